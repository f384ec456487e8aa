import { spawn } from 'node:child_process';
import type { Clock } from '../../base/clock.ts';
import { systemErrorCode } from '../../base/errors.ts';
import { bareEnvironment, killTree } from '../supervisor/process-tree.ts';

/** What came of running a program for a moment. */
export type ProbeOutcome =
  | { readonly kind: 'ended'; readonly code: number | null; readonly signal: string | null; readonly output: string }
  /** It could not be started; `cause` is the system's code, such as EACCES. */
  | { readonly kind: 'not-started'; readonly cause: string }
  /** It was still running when its time was over, and was killed. */
  | { readonly kind: 'too-long' };

/** Programs with a graphics driver to load may take a second or two. */
const probeLimitMs = 15_000;
const mostOutputBytes = 256 * 1024;

/**
 * Runs a program that should answer at once, such as one asked for its version, and gives what it wrote to both
 * streams. It gets no variable of the operator's environment but `env`, and is killed with all it started when its time
 * is over.
 */
export function probeProgram(
  file: string,
  args: readonly string[],
  deps: {
    clock: Clock;
    /** Where the few variables that every program needs come from. */
    from: Readonly<Record<string, string | undefined>>;
    env?: Readonly<Record<string, string>>;
    limitMs?: number;
  },
): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...bareEnvironment(deps.from), ...deps.env },
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    const pieces: Buffer[] = [];
    let bytes = 0;
    const settle = (outcome: ProbeOutcome): void => {
      cancel();
      if (child.pid !== undefined) killTree(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(outcome);
    };
    const cancel = deps.clock.after(deps.limitMs ?? probeLimitMs, () => {
      settle({ kind: 'too-long' });
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (piece: Buffer) => {
        if (bytes < mostOutputBytes) pieces.push(piece);
        bytes += piece.length;
      });
    }
    child.once('error', (error) => {
      settle({ kind: 'not-started', cause: systemErrorCode(error) ?? error.message });
    });
    child.once('close', (code, signal) => {
      settle({ kind: 'ended', code, signal, output: Buffer.concat(pieces).toString('utf8') });
    });
  });
}
