import type { Clock } from '../../base/clock.ts';
import { findPrograms } from './find-programs.ts';
import { judgeLlamaProgram, type LlamaVersion } from './llama-version.ts';
import { probeProgram } from './probe-program.ts';
import type { ProgramOrigin, ProgramQuery } from './program-places.ts';

/** A program that may be used. */
export interface FoundProgram {
  readonly file: string;
  readonly origin: ProgramOrigin;
  readonly version: LlamaVersion;
}

export interface ProgramSearch {
  /** Null when there is none that may be used. */
  readonly program: FoundProgram | null;
  /** What is to be said of it, and why better placed ones were refused; sentences. */
  readonly advice: readonly string[];
}

/**
 * The first llama.cpp server that may be used. One that is broken or too old is refused with its version, and the next
 * one serves.
 */
export async function findLlamaProgram(
  query: ProgramQuery,
  rules: { readonly lowestBuild: number | null; readonly allowOld: boolean },
  deps: { readonly clock: Clock },
): Promise<ProgramSearch> {
  const refused: string[] = [];
  for (const { file, origin } of await findPrograms(query)) {
    const outcome = await probeProgram(file, ['--version'], { clock: deps.clock, from: query.env });
    const judgement = judgeLlamaProgram(file, outcome, rules);
    if (judgement.ok) {
      const { version, advice } = judgement;
      return { program: { file, origin, version }, advice: [...refused, ...advice] };
    }
    refused.push(judgement.sentence);
  }
  return { program: null, advice: refused };
}
