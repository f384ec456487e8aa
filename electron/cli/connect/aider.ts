import { join } from 'node:path';
import {
  connection,
  shellWord,
  yamlScalar,
  type Api,
  type Connection,
  type Places,
  type Target,
} from './connection.ts';

/** aider speaks through litellm: the prefix of a model's name picks the dialect, variables the address. */
export function aider(target: Target, { home }: Places): Connection {
  const model = `${prefixes[target.api]}/${target.model}`;
  const variables = variablesOf(target);
  return connection({
    file: {
      format: 'yaml-keys',
      path: join(home, '.aider.conf.yml'),
      keys: {
        model: [`model: ${yamlScalar(model)}`],
        'weak-model': [`weak-model: ${yamlScalar(model)}`],
        'set-env': [
          'set-env:',
          ...Object.entries(variables).map(([name, value]) => `  - ${yamlScalar(`${name}=${value}`)}`),
        ],
        'show-model-warnings': ['show-model-warnings: false'],
      },
    },
    tryOut: `aider --message ${shellWord('Say hello in one word.')} --no-git`,
  });
}

const prefixes: Readonly<Record<Api, string>> = {
  openai: 'openai',
  responses: 'openai',
  anthropic: 'anthropic',
  ollama: 'ollama_chat',
};

function variablesOf({ api, url, key }: Target): Record<string, string> {
  switch (api) {
    case 'openai':
    case 'responses':
      return { OPENAI_API_BASE: `${url}/v1`, OPENAI_API_KEY: key };
    case 'anthropic':
      return { ANTHROPIC_API_BASE: url, ANTHROPIC_API_KEY: key };
    case 'ollama':
      return { OLLAMA_API_BASE: url, OLLAMA_API_KEY: key };
  }
}
