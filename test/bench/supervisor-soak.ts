import { readdirSync } from 'node:fs';
import { isAlive } from '../integration/engines/engines-rig.ts';
import { supervise } from '../integration/engines/supervised-rig.ts';

/** What many crashes in a row left behind. */
export interface SoakFigures {
  readonly crashes: number;
  /** Processes that were started, and those of them that still live at the end. */
  readonly started: number;
  readonly orphans: number;
  /** Open file descriptors, active handles and timers after the first crashes and at the end; all null off Linux. */
  readonly handlesBefore: Handles;
  readonly handlesAfter: Handles;
  readonly wallMs: number;
}

interface Handles {
  readonly descriptors: number | null;
  readonly active: number;
  readonly timers: number;
}

/** The ways in which it crashes, in turn: killed, broken by itself, aborted, and told to end. */
const signals = ['SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGTERM'] as const;
/** Crashes before the handles are counted first: by then every pool and cache is filled. */
const warmUp = 5;

/**
 * Lets a supervised process crash time after time, each time a minute after it was ready by the injected clock, with a
 * real process every time. Every ready process must be a new one, and each crash must be followed by a start.
 */
export async function soak(crashes: number): Promise<SoakFigures> {
  const startMs = performance.now();
  const engine = supervise({ words: [] });
  const { clock, launcher, supervisor } = engine;
  const handles = (): Handles => ({
    descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : null,
    active: process.getActiveResourcesInfo().length,
    timers: clock.waiting,
  });
  await supervisor.start();
  let handlesBefore: Handles | null = null;
  for (let crash = 0; crash < crashes; crash += 1) {
    const { state } = await engine.until('ready', 'failed', 'conflict');
    if (state.kind !== 'ready') throw new Error(`the engine is ${state.kind} after ${crash} crashes`);
    if (crash === warmUp) handlesBefore = handles();
    clock.advance(60_000);
    process.kill(state.pid, signals[crash % signals.length]);
    const next = await engine.until('backoff', 'failed', 'conflict');
    if (next.state.kind === 'backoff') clock.advance(next.state.delayMs);
  }
  await engine.until('ready');
  const handlesAfter = handles();
  await supervisor.stop();
  return {
    crashes,
    started: launcher.pids.length,
    orphans: launcher.pids.filter(isAlive).length,
    handlesBefore: handlesBefore ?? handlesAfter,
    handlesAfter,
    wallMs: performance.now() - startMs,
  };
}

/** `node test/bench/supervisor-soak.ts [CRASHES]`: 100 crashes unless told otherwise; fails when anything is left. */
async function run(): Promise<void> {
  const figures = await soak(Number(process.argv[2] ?? 100));
  const { crashes, started, orphans, handlesBefore, handlesAfter, wallMs } = figures;
  const line = ({ descriptors, active, timers }: Handles): string =>
    `${descriptors ?? '?'} descriptors, ${active} active handles, ${timers} timers`;
  console.log(`${crashes} crashes, ${started} processes started, in ${(wallMs / 1000).toFixed(1)} s`);
  console.log(`orphans: ${orphans} (limit 0)`);
  console.log(`after ${warmUp} crashes: ${line(handlesBefore)}`);
  console.log(`at the end:      ${line(handlesAfter)} (limit: the same)`);
  const grew =
    (handlesAfter.descriptors ?? 0) > (handlesBefore.descriptors ?? 0) ||
    handlesAfter.active > handlesBefore.active ||
    handlesAfter.timers > handlesBefore.timers;
  if (orphans > 0 || grew || started !== crashes + 1) process.exitCode = 1;
}

if (import.meta.main) await run();
