/**
 * What the agent and the embedded engine's process say to each other besides HTTP. The agent writes one line of JSON
 * to the child's stdin, {@link ChildSettings}, and keeps the pipe open for as long as it lives: its end is the child's
 * order to end. The child writes {@link ChildReport}s to its stdout, one line of JSON each; its log goes to stderr.
 */
export interface ChildSettings {
  /** Bearer key that every request must carry. Random for each start, never in an argument or the environment. */
  readonly key: string;
  readonly modelPath: string;
  /** What callers name the model. */
  readonly modelId: string;
  /** Tokens a sequence can hold; `auto` is the model's own length, bounded by {@link automaticContextTokens} and memory. */
  readonly contextSize: number | 'auto';
  /** Requests worked on side by side. */
  readonly parallel: number | 'auto';
  readonly threads: number | 'auto';
}

/** What the child found in the model once it was loaded. */
export interface LoadedModel {
  readonly id: string;
  /** Tokens one request may use, prompt and answer together. */
  readonly contextLength: number;
  readonly trainedContextLength: number;
  readonly slots: number;
  readonly threads: number;
  readonly hasChatTemplate: boolean;
  /** Whether that template knows tools, so that they can be offered and called. */
  readonly hasTools: boolean;
  readonly engineVersion: string;
}

export type ChildReport =
  | { readonly event: 'listening'; readonly port: number }
  | { readonly event: 'ready'; readonly port: number; readonly model: LoadedModel }
  | { readonly event: 'stats'; readonly busy: number; readonly waiting: number; readonly memoryBytes: number }
  | { readonly event: 'failed'; readonly message: string };

export const automaticContextTokens = 8_192;

/** Longest line either side accepts, so that a broken peer cannot fill memory. */
export const longestLineBytes = 64 * 1024;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{') || line.length > longestLineBytes) return null;
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isCountOrAuto = (value: unknown): value is number | 'auto' => value === 'auto' || (isCount(value) && value > 0);

/** The settings in the first line of stdin; null when it is anything else. */
export function parseSettings(line: string): ChildSettings | null {
  const value = parseObject(line);
  if (!value) return null;
  const { key, modelPath, modelId, contextSize, parallel, threads } = value;
  if (typeof key !== 'string' || key.length < 16 || typeof modelPath !== 'string' || typeof modelId !== 'string')
    return null;
  if (!isCountOrAuto(contextSize) || !isCountOrAuto(parallel) || !isCountOrAuto(threads)) return null;
  return { key, modelPath, modelId, contextSize, parallel, threads };
}

function parseModel(value: unknown): LoadedModel | null {
  if (!isRecord(value)) return null;
  const { id, contextLength, trainedContextLength, slots, threads, hasChatTemplate, hasTools, engineVersion } = value;
  if (typeof hasTools !== 'boolean') return null;
  if (typeof id !== 'string' || typeof engineVersion !== 'string' || typeof hasChatTemplate !== 'boolean') return null;
  if (!isCount(contextLength) || !isCount(trainedContextLength) || !isCount(slots) || !isCount(threads)) return null;
  return { id, contextLength, trainedContextLength, slots, threads, hasChatTemplate, hasTools, engineVersion };
}

/** The report in a line of the child's stdout; null when the line is ordinary output. */
export function parseReport(line: string): ChildReport | null {
  const value = parseObject(line);
  switch (value?.['event']) {
    case 'listening': {
      const { port } = value;
      return isCount(port) ? { event: 'listening', port } : null;
    }
    case 'ready': {
      const { port } = value;
      const model = parseModel(value['model']);
      return isCount(port) && model ? { event: 'ready', port, model } : null;
    }
    case 'stats': {
      const { busy, waiting, memoryBytes } = value;
      return isCount(busy) && isCount(waiting) && isCount(memoryBytes)
        ? { event: 'stats', busy, waiting, memoryBytes }
        : null;
    }
    case 'failed': {
      const { message } = value;
      return typeof message === 'string' ? { event: 'failed', message: message.slice(0, 2_000) } : null;
    }
    default:
      return null;
  }
}
