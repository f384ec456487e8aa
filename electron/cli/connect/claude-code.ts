import { join } from 'node:path';
import { connection, shellWord, type Connection, type Places, type Target } from './connection.ts';

/**
 * Claude Code reads the `env` of its settings file. Its base address goes without /v1. Each of its size classes is named,
 * else it would ask for a model of its vendor's for titles and summaries.
 */
export function claudeCode(target: Target, { home, env }: Places): Connection {
  const { url, key, model, maxOutput, contextLength } = target;
  return connection({
    file: {
      format: 'json',
      path: join(env['CLAUDE_CONFIG_DIR'] ?? join(home, '.claude'), 'settings.json'),
      settings: {
        env: {
          ANTHROPIC_BASE_URL: url,
          ANTHROPIC_AUTH_TOKEN: key,
          ANTHROPIC_MODEL: model,
          ANTHROPIC_DEFAULT_OPUS_MODEL: model,
          ANTHROPIC_DEFAULT_SONNET_MODEL: model,
          ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
          ANTHROPIC_SMALL_FAST_MODEL: model,
          CLAUDE_CODE_MAX_OUTPUT_TOKENS: String(maxOutput),
          // It does not know the model, and would take its window for a million tokens.
          CLAUDE_CODE_MAX_CONTEXT_TOKENS: String(contextLength),
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          // A line that differs between conversations, at the very start: no prompt cache would ever be used again.
          CLAUDE_CODE_ATTRIBUTION_HEADER: '0',
          // Reading its long first prompt takes a small machine minutes.
          API_TIMEOUT_MS: '3000000',
        },
      },
    },
    tryOut: `claude -p ${shellWord('Say hello in one word.')}`,
    notes: [
      'A variable ANTHROPIC_API_KEY of your environment would be used instead of this token; unset it.',
      ...(contextLength < 32_768
        ? [`Its first prompt alone has about 15,000 tokens; ${model} has room for ${contextLength}.`]
        : []),
    ],
  });
}
