import type { Clock } from '../../base/clock.ts';
import { findLlamaProgram, type FoundProgram } from '../finding/find-llama-program.ts';
import { probeProgram } from '../finding/probe-program.ts';
import type { ProgramQuery } from '../finding/program-places.ts';
import type { ProgramState } from '../process-engine/process-kind.ts';
import { flagsOf } from './command-line.ts';

export interface FoundServer extends FoundProgram {
  /** The options that it knows, such as `--api-key-file`. */
  readonly flags: ReadonlySet<string>;
}

export interface ServerSearch {
  readonly state: ProgramState;
  /** Null when there is none that may be used. */
  readonly server: FoundServer | null;
}

/** Finds a server of llama.cpp's family, and asks which options it knows. `absent`: what is said when there is none. */
export async function findServer(
  query: ProgramQuery,
  rules: { readonly lowestBuild: number | null; readonly allowOld: boolean; readonly absent: string },
  deps: { readonly clock: Clock },
): Promise<ServerSearch> {
  const { program, advice } = await findLlamaProgram(query, rules, deps);
  if (!program) {
    return { state: { kind: 'absent', sentence: advice[0] ?? rules.absent, advice: advice.slice(1) }, server: null };
  }
  const help = await probeProgram(program.file, ['--help'], { clock: deps.clock, from: query.env });
  return {
    state: { kind: 'found', foundAt: program.file, version: program.version.text, advice },
    server: { ...program, flags: flagsOf(help.kind === 'ended' ? help.output : '') },
  };
}
