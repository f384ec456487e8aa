/**
 * The oldest Ollama that this node starts. Before 0.17.1 a model file that lies about its tensors makes the server read
 * beyond its memory and keep what it found in a new model (CVE-2026-7482): other callers' prompts, and its environment.
 */
export const oldestVersion = '0.17.1';

/** `unknown`: built from sources without a number, which says nothing of its age. */
export type VersionJudgement = 'fine' | 'too-old' | 'unknown';

/** Whether a version may be started. Pre-releases count as the version they lead to. */
export function judgeVersion(version: string, oldest: string = oldestVersion): VersionJudgement {
  const have = numbersOf(version);
  const need = numbersOf(oldest);
  if (!have || !need || have.every((number) => number === 0)) return 'unknown';
  for (const [at, least] of need.entries()) {
    const number = have[at] ?? 0;
    if (number !== least) return number > least ? 'fine' : 'too-old';
  }
  return 'fine';
}

/** The version in what `ollama --version` prints; null when there is none. */
export function versionIn(output: string): string | null {
  return /version (?:is )?v?(\d+\.\d+\.\d+[\w.+-]*)/i.exec(output)?.[1] ?? null;
}

function numbersOf(version: string): number[] | null {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version.trim());
  return match ? match.slice(1, 4).map(Number) : null;
}
