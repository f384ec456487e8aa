import { join } from 'node:path';
import { firstPrompt, proofName, proofText, secondPrompt } from './script.ts';

/** What a session is run with. */
export interface Scene {
  /** Folder with the installed programs. */
  readonly installed: string;
  /** Home of the session, with the program's settings in it. */
  readonly home: string;
  /** Where the program works. */
  readonly work: string;
  /** The model's name as it is known to the node. */
  readonly model: string;
}

/** A command line: a program by its path and its arguments. */
export type Line = readonly [string, ...string[]];

export interface TriedProgram {
  /** Its name for `ranch-hand connect`. */
  readonly name: string;
  readonly apis: readonly string[];
  /** What is installed, by which tool, into which folder, at which versions. */
  readonly install: { readonly by: 'npm' | 'pip'; readonly into: string; readonly packages: readonly string[] };
  /** Variables that keep it quiet and by itself, beside those that the connection names. */
  readonly env: (scene: Scene) => Readonly<Record<string, string>>;
  /** The two turns: the second one goes on in the first one's session. */
  readonly turns: (scene: Scene, api: string) => readonly [Line, Line];
  /** Where the proof may lie, beside the working folder. */
  readonly alsoWorks?: (scene: Scene) => string;
}

const npmBin = (scene: Scene, folder: string, name: string): string =>
  join(scene.installed, folder, 'node_modules/.bin', name);
const pythonBin = (scene: Scene, folder: string, name: string): string => join(scene.installed, folder, 'bin', name);

const claudeCode: TriedProgram = {
  name: 'claude-code',
  apis: ['anthropic'],
  install: { by: 'npm', into: 'claude', packages: ['@anthropic-ai/claude-code@2.1.330'] },
  env: () => ({ IS_SANDBOX: '1', DISABLE_AUTOUPDATER: '1' }),
  turns: (scene) => {
    const claude = npmBin(scene, 'claude', 'claude');
    const allowed = ['--allowedTools', 'Bash', 'Write'];
    return [
      [claude, '-p', firstPrompt],
      [claude, '-p', '--continue', secondPrompt, ...allowed],
    ];
  },
};

const opencode: TriedProgram = {
  name: 'opencode',
  apis: ['openai', 'responses', 'anthropic'],
  install: { by: 'npm', into: 'opencode', packages: ['opencode-ai@1.18.33'] },
  env: () => ({
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
  }),
  turns: (scene) => {
    const program = npmBin(scene, 'opencode', 'opencode');
    return [
      [program, 'run', firstPrompt],
      [program, 'run', '--continue', '--auto', secondPrompt],
    ];
  },
};

const openclaw: TriedProgram = {
  name: 'openclaw',
  apis: ['openai', 'responses', 'anthropic', 'ollama'],
  install: { by: 'npm', into: 'openclaw', packages: ['openclaw@2026.9.6'] },
  env: () => ({ OPENCLAW_DISABLE_TELEMETRY: '1', OPENCLAW_NO_UPDATE_CHECK: '1' }),
  turns: (scene) => {
    const start: Line = [
      npmBin(scene, 'openclaw', 'openclaw'),
      'agent',
      '--local',
      '--session-id',
      'tried',
      '--message',
    ];
    return [
      [...start, firstPrompt],
      [...start, secondPrompt],
    ];
  },
  alsoWorks: ({ home }) => join(home, '.openclaw/workspace'),
};

/** A tool of the session's own: a function in Python that the program runs. */
const makeFile = `def make_file(name: str, text: str) -> str:
    "Makes a file"
    open(name, "w").write(text)
    return "made"
`;

const llm: TriedProgram = {
  name: 'llm',
  apis: ['openai', 'responses', 'anthropic', 'ollama'],
  install: { by: 'pip', into: 'py', packages: ['llm==0.36', 'llm-ollama==0.19.1', 'llm-anthropic==0.30'] },
  env: () => ({}),
  turns: (scene, api) => {
    const program = pythonBin(scene, 'py', 'llm');
    const names: Readonly<Record<string, string>> = {
      anthropic: `anthropic/${scene.model}`,
      ollama: `ollama/${scene.model}`,
    };
    const model = names[api] ?? `ranch-hand/${scene.model}`;
    return [
      [program, '-m', model, firstPrompt],
      [program, '-m', model, '--continue', '--functions', makeFile, secondPrompt],
    ];
  },
};

const aider: TriedProgram = {
  name: 'aider',
  apis: ['openai', 'anthropic', 'ollama'],
  install: { by: 'pip', into: 'pyaider', packages: ['aider-chat==0.86.2'] },
  env: () => ({ AIDER_ANALYTICS: 'false', AIDER_CHECK_UPDATE: 'false', LITELLM_LOCAL_MODEL_COST_MAP: 'True' }),
  turns: (scene) => {
    const program = pythonBin(scene, 'pyaider', 'aider');
    const quiet = ['--no-git', '--yes-always', '--no-pretty', '--no-detect-urls', '--edit-format', 'whole'];
    return [
      [program, ...quiet, '--message', firstPrompt],
      [program, ...quiet, '--restore-chat-history', '--message', secondPrompt],
    ];
  },
};

export const triedPrograms: readonly TriedProgram[] = [claudeCode, openclaw, opencode, llm, aider];

/** The file that shows that a tool really ran. */
export const proof = { name: proofName, text: proofText };
