import { aider } from './aider.ts';
import { claudeCode } from './claude-code.ts';
import type { Api, Connection, Places, Target } from './connection.ts';
import { anthropic, litellm, ollama, openai } from './libraries.ts';
import { llm } from './llm.ts';
import { openclaw } from './openclaw.ts';
import { opencode } from './opencode.ts';

interface Program {
  readonly title: string;
  /** The dialects it speaks; the first one is used unless another is named. */
  readonly apis: readonly [Api, ...Api[]];
  readonly connect: (target: Target, places: Places) => Connection;
}

/** Every program that can be connected, by the name it has on the command line. */
export const programs: Readonly<Record<string, Program>> = {
  'claude-code': { title: 'Claude Code', apis: ['anthropic'], connect: claudeCode },
  openclaw: { title: 'OpenClaw', apis: ['openai', 'responses', 'anthropic', 'ollama'], connect: openclaw },
  opencode: { title: 'opencode', apis: ['openai', 'responses', 'anthropic'], connect: opencode },
  llm: { title: 'llm', apis: ['openai', 'responses', 'anthropic', 'ollama'], connect: llm },
  aider: { title: 'aider', apis: ['openai', 'anthropic', 'ollama'], connect: aider },
  openai: { title: "OpenAI's libraries", apis: ['openai', 'responses'], connect: openai },
  anthropic: { title: "Anthropic's libraries", apis: ['anthropic'], connect: anthropic },
  ollama: { title: "Ollama's libraries", apis: ['ollama'], connect: ollama },
  litellm: { title: 'litellm', apis: ['openai', 'responses', 'anthropic', 'ollama'], connect: litellm },
};
