import { join } from 'node:path';
import { connection, shellWord, type Api, type Connection, type Places, type Target } from './connection.ts';

const packages: Readonly<Partial<Record<Api, string>>> = {
  openai: '@ai-sdk/openai-compatible',
  responses: '@ai-sdk/openai',
  anthropic: '@ai-sdk/anthropic',
};

/** opencode wants /v1 in every address. Titles are made by the small model, which is named so that it is this one too. */
export function opencode(target: Target, { home, env }: Places): Connection {
  const { api, url, key, model, contextLength, maxOutput, vision } = target;
  const folder = join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'opencode');
  return connection({
    file: {
      format: 'json',
      path: env['OPENCODE_CONFIG'] ?? join(folder, 'opencode.json'),
      settings: {
        $schema: 'https://opencode.ai/config.json',
        provider: {
          'ranch-hand': {
            npm: packages[api] ?? '@ai-sdk/openai-compatible',
            name: 'Ranch Hand',
            options: { baseURL: `${url}/v1`, apiKey: key, timeout: 1_800_000 },
            models: {
              [model]: {
                name: model,
                tool_call: true,
                attachment: vision,
                limit: { context: contextLength, output: maxOutput },
              },
            },
          },
        },
        model: `ranch-hand/${model}`,
        small_model: `ranch-hand/${model}`,
      },
    },
    tryOut: `opencode run ${shellWord('Say hello in one word.')}`,
  });
}
