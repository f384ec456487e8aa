import type { EngineSnapshot } from '../../../contract/snapshot.ts';
import { judgeVersion, oldestVersion } from './version.ts';

export type Advice = EngineSnapshot['advice'][number];
export type OllamaKeeper = EngineSnapshot['manager'];

/** What an Ollama's own commands would be told, for a system and for who runs it. */
export interface AdviceFacts {
  readonly keeper: OllamaKeeper;
  readonly platform: NodeJS.Platform;
  readonly version: string | null;
  /** Loaded models: the window in force, and the one they were trained for. */
  readonly loaded: readonly {
    readonly name: string;
    readonly contextLength: number | null;
    readonly trained: number | null;
  }[];
  /** Its OLLAMA_… settings where they can be read; null where not. */
  readonly settings: Readonly<Record<string, string>> | null;
}

/** What an agent's prompts need at least. */
const smallWindow = 8_192;
const advisedWindow = 32_768;

/** What its operator could do to make an adopted Ollama answer better; nothing of it is done here. */
export function adviceFor(facts: AdviceFacts): Advice[] {
  return [...versionAdvice(facts), ...windowAdvice(facts), ...keepAliveAdvice(facts), ...parallelAdvice(facts)];
}

/** The lines that give a running Ollama a setting. */
export function settingLines(keeper: OllamaKeeper, platform: NodeJS.Platform, name: string, value: string): string[] {
  if (keeper === 'systemd') {
    return [
      'sudo systemctl edit ollama',
      '# between the two comments of the file that opens:',
      '[Service]',
      `Environment="${name}=${value}"`,
      '# then:',
      'sudo systemctl restart ollama',
    ];
  }
  if (keeper === 'windows-app' || platform === 'win32') {
    return [`setx ${name} ${value}`, '# then quit Ollama from its tray icon and start it again'];
  }
  if (platform === 'darwin') return [`launchctl setenv ${name} ${value}`, '# then quit Ollama and start it again'];
  return [`export ${name}=${value}`, '# then stop Ollama where it was started, and start it again:', 'ollama serve'];
}

function versionAdvice({ version, keeper, platform }: AdviceFacts): Advice[] {
  if (version === null) return [];
  const judgement = judgeVersion(version);
  if (judgement === 'fine') return [];
  if (judgement === 'unknown') {
    const sentence = `This Ollama tells no version. Make sure that it is ${oldestVersion} or newer.`;
    return [{ sentence, lines: [] }];
  }
  const sentence = `Ollama ${version} can be made to give away its memory by a crafted model file. Update it to ${oldestVersion} or newer.`;
  const lines =
    keeper === 'windows-app' || platform === 'win32'
      ? ['winget upgrade Ollama.Ollama']
      : ['curl -fsSL https://ollama.com/install.sh | sh'];
  return [{ sentence, lines }];
}

function windowAdvice(facts: AdviceFacts): Advice[] {
  const short = facts.loaded.find(
    ({ contextLength, trained }) =>
      contextLength !== null && contextLength < smallWindow && trained !== null && trained > contextLength,
  );
  if (!short) return [];
  const window = Math.min(advisedWindow, short.trained ?? advisedWindow);
  const sentence = `Ollama cuts prompts for ${short.name} to ${short.contextLength} tokens, though it was trained for ${short.trained}. Agents need more: give it a larger window.`;
  return [{ sentence, lines: settingLines(facts.keeper, facts.platform, 'OLLAMA_CONTEXT_LENGTH', String(window)) }];
}

function keepAliveAdvice({ settings, keeper, platform }: AdviceFacts): Advice[] {
  const keepAlive = settings?.['OLLAMA_KEEP_ALIVE'];
  if (keepAlive === undefined || keepAlive === '' || !/^0+(?:[a-z]+)?$/.test(keepAlive)) return [];
  const sentence = 'Ollama unloads each model right after its answer, so that every request waits for it to load.';
  return [{ sentence, lines: settingLines(keeper, platform, 'OLLAMA_KEEP_ALIVE', '30m') }];
}

function parallelAdvice({ settings, keeper, platform }: AdviceFacts): Advice[] {
  const parallel = Number(settings?.['OLLAMA_NUM_PARALLEL'] ?? '');
  // Each further slot takes the memory of a whole context.
  if (!Number.isInteger(parallel) || parallel <= 4) return [];
  const sentence = `Ollama keeps ${parallel} contexts for each model, which takes ${parallel} times the memory of one.`;
  return [{ sentence, lines: settingLines(keeper, platform, 'OLLAMA_NUM_PARALLEL', '2') }];
}
