import { join } from 'node:path';
import { connection, shellWord, yamlScalar, type Connection, type Places, type Target } from './connection.ts';

/** The command line tool `llm`; Ollama's and Anthropic's dialect come with its plugins, which read the environment. */
export function llm(target: Target, places: Places): Connection {
  switch (target.api) {
    case 'ollama':
      return connection({
        once: ['llm install llm-ollama'],
        env: { OLLAMA_HOST: target.url, OLLAMA_API_KEY: target.key },
        tryOut: `llm -m ${shellWord(`ollama/${target.model}`)} ${hello}`,
      });
    case 'anthropic':
      return connection({
        // It offers what its cached list names, so the list is fetched once from here.
        once: ['llm install llm-anthropic', 'llm anthropic refresh'],
        env: { ANTHROPIC_BASE_URL: target.url, ANTHROPIC_API_KEY: target.key },
        tryOut: `llm -m ${shellWord(`anthropic/${target.model}`)} -o max_tokens ${target.maxOutput} ${hello}`,
      });
    case 'openai':
    case 'responses':
      return openai(target, places);
  }
}

const hello = shellWord('Say hello in one word.');

function openai({ api, url, model, key, vision }: Target, { home, env, platform }: Places): Connection {
  const id = `ranch-hand/${model}`;
  return connection({
    file: {
      format: 'yaml-list',
      path: join(
        env['LLM_USER_PATH'] ?? join(settingsFolder(home, env, platform), 'io.datasette.llm'),
        'extra-openai-models.yaml',
      ),
      entries: [
        `- model_id: ${yamlScalar(id)}`,
        `  model_name: ${yamlScalar(model)}`,
        `  api_base: ${yamlScalar(`${url}/v1`)}`,
        `  headers: {Authorization: ${yamlScalar(`Bearer ${key}`)}}`,
        '  supports_tools: true',
        '  supports_schema: true',
        ...(vision ? ['  vision: true'] : []),
        ...(api === 'responses' ? ['  responses: true'] : []),
      ],
    },
    tryOut: `llm -m ${shellWord(id)} ${hello}`,
  });
}

/** Where `click`, by which the tool finds its folder, puts programs' files. */
function settingsFolder(home: string, env: Places['env'], platform: NodeJS.Platform): string {
  if (platform === 'win32') return env['APPDATA'] ?? join(home, 'AppData', 'Roaming');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support');
  return env['XDG_CONFIG_HOME'] ?? join(home, '.config');
}
