import { join } from 'node:path';
import { connection, shellWord, type Api, type Connection, type Places, type Target } from './connection.ts';

const apiNames: Readonly<Record<Api, string>> = {
  openai: 'openai-completions',
  responses: 'openai-responses',
  anthropic: 'anthropic-messages',
  ollama: 'ollama',
};

/** OpenClaw wants /v1 in the address of OpenAI's dialect only. */
export function openclaw(target: Target, { home, env }: Places): Connection {
  const { api, url, key, model, contextLength, maxOutput, vision } = target;
  const path =
    env['OPENCLAW_CONFIG_PATH'] ?? join(env['OPENCLAW_STATE_DIR'] ?? join(home, '.openclaw'), 'openclaw.json');
  return connection({
    file: {
      format: 'json',
      path,
      settings: {
        models: {
          providers: {
            'ranch-hand': {
              baseUrl: api === 'openai' || api === 'responses' ? `${url}/v1` : url,
              apiKey: key,
              api: apiNames[api],
              timeoutSeconds: 1_800,
              models: [
                {
                  id: model,
                  name: model,
                  reasoning: false,
                  input: vision ? ['text', 'image'] : ['text'],
                  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
                  contextWindow: contextLength,
                  maxTokens: maxOutput,
                },
              ],
            },
          },
        },
        agents: { defaults: { model: { primary: `ranch-hand/${model}` } } },
      },
    },
    tryOut: `openclaw agent exec ${shellWord('Say hello in one word.')} --config ${shellWord(path)}`,
    notes:
      contextLength < 32_768
        ? [`A plain greeting has about 18,000 tokens with its own prompt; ${model} has room for ${contextLength}.`]
        : [],
  });
}
