import type { Clock } from '../../base/clock.ts';
import { findPrograms } from '../finding/find-programs.ts';
import { probeProgram, type ProbeOutcome } from '../finding/probe-program.ts';
import type { ProgramQuery } from '../finding/program-places.ts';
import { judgeVersion, oldestVersion, versionIn } from './version.ts';

/** The program to start, or why there is none. */
export interface OllamaSearch {
  readonly program: string | null;
  /** Why programs that are there were refused; sentences. */
  readonly refused: readonly string[];
}

/** The first Ollama on this machine that may be started: one that is broken or too old is refused by name. */
export async function findOllama(
  query: Omit<ProgramQuery, 'kind' | 'name' | 'searchPath'>,
  deps: { readonly clock: Clock; readonly home: string },
): Promise<OllamaSearch> {
  const refused: string[] = [];
  for (const { file } of await findPrograms({ ...query, kind: 'ollama', name: 'ollama', searchPath: true })) {
    // At a port where nobody is, it tells its own version and not that of a server.
    const env = { HOME: deps.home, USERPROFILE: deps.home, OLLAMA_HOST: '127.0.0.1:1' };
    const outcome = await probeProgram(file, ['--version'], { clock: deps.clock, from: query.env, env });
    const problem = problemOf(file, outcome);
    if (problem === null) return { program: file, refused };
    refused.push(problem);
  }
  return { program: null, refused };
}

/** Why this program may not be started, by what came of asking for its version; null when it may. */
export function problemOf(file: string, outcome: ProbeOutcome): string | null {
  switch (outcome.kind) {
    case 'not-started':
      return `${file} cannot be run (${outcome.cause}). Correct its path in the settings, or install Ollama again.`;
    case 'too-long':
      return `${file} did not tell its version in time. Install Ollama again.`;
    case 'ended': {
      const version = versionIn(outcome.output);
      if (version === null) return `${file} did not tell a version of Ollama. Install Ollama again.`;
      if (judgeVersion(version) !== 'too-old') return null;
      return `${file} is Ollama ${version}, which can be made to give away its memory by a crafted model file. Update it to ${oldestVersion} or newer.`;
    }
  }
}
