import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import {
  Supervisor,
  type ProcessLauncher,
  type ProcessListener,
} from '../../../../electron/agent/engines/supervisor/supervisor.ts';
import { stopPatienceMs } from '../../../../electron/agent/engines/supervisor/transition.ts';

/** A launcher whose processes do what the test says. */
class FakeLauncher implements ProcessLauncher {
  readonly listeners: ProcessListener[] = [];
  readonly ended: string[] = [];
  onLaunch: ((listener: ProcessListener, pid: number) => void) | null = null;

  get launches(): number {
    return this.listeners.length;
  }

  killNow(): void {
    this.ended.push('all');
  }

  launch(listener: ProcessListener) {
    this.listeners.push(listener);
    const pid = this.listeners.length;
    // Even before the start is settled, as a process that dies at once does.
    this.onLaunch?.(listener, pid);
    return Promise.resolve({ pid, end: (how: 'gently' | 'now') => void this.ended.push(`${how} ${pid}`) });
  }
}

function rig(options: { loadDeadlineMs?: () => number } = {}) {
  const clock = new ManualClock();
  const launcher = new FakeLauncher();
  const kills = { count: 0 as number | null };
  const supervisor = new Supervisor({
    clock,
    logger: silentLogger,
    launcher,
    random: () => 0.5,
    countMemoryKills: () => kills.count,
    ...options,
  });
  return { clock, launcher, supervisor, kills };
}

/** Lets the supervisor's mailbox run dry. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

describe('Supervisor', () => {
  it('F2 engine exits at once: backoff, then failed with its last line, and no start after that', async () => {
    const { clock, launcher, supervisor } = rig();
    launcher.onLaunch = (listener, pid) => {
      listener.exited({ code: 3, signal: null, lastLines: [`start ${pid} failed`] });
    };
    await supervisor.start();
    for (let round = 0; round < 20; round += 1) {
      await settled();
      clock.advance(60_000);
    }
    await settled();
    expect(supervisor.record.state.kind).toBe('failed');
    expect(launcher.launches).toBe(5);
    expect(supervisor.record.lastExit).toMatchObject({ code: 3, lastLines: ['start 5 failed'] });
    expect(clock.waiting).toBe(0);

    launcher.onLaunch = (listener) => {
      listener.ready();
    };
    await supervisor.restart();
    await settled();
    expect(supervisor.record.state.kind).toBe('ready');
  });

  it('stop resolves when the process is gone, and kills one that does not end', async () => {
    const { clock, launcher, supervisor } = rig();
    launcher.onLaunch = (listener) => {
      listener.ready();
    };
    await supervisor.start();
    await settled();
    let gone = false;
    const stopping = supervisor.stop().then(() => (gone = true));
    await settled();
    expect(launcher.ended).toEqual(['gently 1']);
    clock.advance(stopPatienceMs);
    await settled();
    expect(launcher.ended).toEqual(['gently 1', 'now 1']);
    expect(gone).toBe(false);
    launcher.listeners[0]?.exited({ code: null, signal: 'SIGKILL', lastLines: [] });
    await stopping;
    expect(supervisor.record.state.kind).toBe('stopped');
    expect(clock.waiting).toBe(0);
  });

  it('killNow kills before it returns and starts nothing after it', async () => {
    const { clock, launcher, supervisor } = rig();
    launcher.onLaunch = (listener) => {
      listener.ready();
    };
    await supervisor.start();
    await settled();
    supervisor.killNow();
    expect(launcher.ended).toEqual(['all']);
    launcher.listeners[0]?.exited({ code: null, signal: 'SIGKILL', lastLines: [] });
    await settled();
    clock.advance(600_000);
    await settled();
    expect(supervisor.record.state.kind).toBe('stopped');
    expect(launcher.launches).toBe(1);
  });

  it('stopping during a backoff cancels the next start', async () => {
    const { clock, launcher, supervisor } = rig();
    launcher.onLaunch = (listener) => {
      listener.exited({ code: 1, signal: null, lastLines: [] });
    };
    await supervisor.start();
    await settled();
    expect(supervisor.record.state.kind).toBe('backoff');
    await supervisor.stop();
    clock.advance(600_000);
    await settled();
    expect(launcher.launches).toBe(1);
  });

  it('F12 killed for memory while loading: failed at once, and started no more', async () => {
    const { clock, launcher, supervisor, kills } = rig();
    await supervisor.start();
    await settled();
    kills.count = 1;
    launcher.listeners[0]?.exited({ code: null, signal: 'SIGKILL', lastLines: ['loading'] });
    await settled();
    clock.advance(3_600_000);
    await settled();
    expect(supervisor.record.state).toMatchObject({ kind: 'failed', cause: 'memory' });
    expect(supervisor.record.lastExit?.reason).toBe('was killed by the system because memory ran out');
    expect(launcher.launches).toBe(1);
    expect(clock.waiting).toBe(0);
  });

  it('F12 a kill for memory long before is not taken for this one, nor is one that nobody counts', async () => {
    for (const counts of [0, null]) {
      const { clock, launcher, supervisor, kills } = rig();
      kills.count = counts;
      launcher.onLaunch = (listener) => {
        listener.ready();
      };
      await supervisor.start();
      await settled();
      if (counts !== null) kills.count = 1;
      clock.advance(120_000);
      launcher.listeners[0]?.exited({ code: null, signal: 'SIGKILL', lastLines: [] });
      await settled();
      expect(supervisor.record.lastExit?.reason).toBe('ended by signal SIGKILL (killed from outside)');
    }
  });

  it('F3 wedged: SIGTERM ignored, killed after 5 s, started again after the backoff', async () => {
    const { clock, launcher, supervisor } = rig();
    launcher.onLaunch = (listener) => {
      listener.ready();
    };
    await supervisor.start();
    await settled();
    clock.advance(60_000);
    await supervisor.wedged(1, 'made no progress for 120 s');
    expect(launcher.ended).toEqual(['gently 1']);
    clock.advance(stopPatienceMs - 1);
    await settled();
    expect(launcher.ended).toEqual(['gently 1']);
    clock.advance(1);
    await settled();
    expect(launcher.ended).toEqual(['gently 1', 'now 1']);
    launcher.listeners[0]?.exited({ code: null, signal: 'SIGKILL', lastLines: [] });
    await settled();
    expect(supervisor.record).toMatchObject({
      state: { kind: 'backoff' },
      lastExit: { reason: 'made no progress for 120 s' },
    });
    clock.advance(1_000);
    await settled();
    expect(launcher.launches).toBe(2);
    expect(supervisor.record.state.kind).toBe('ready');
  });

  it('F13 a load of 8 min is not killed; one beyond its deadline is', async () => {
    const { clock, launcher, supervisor } = rig({ loadDeadlineMs: () => 15 * 60_000 });
    await supervisor.start();
    await settled();
    clock.advance(8 * 60_000);
    await settled();
    expect(launcher.ended).toEqual([]);
    expect(supervisor.record.state.kind).toBe('loading');
    clock.advance(7 * 60_000);
    await settled();
    expect(launcher.ended).toEqual(['gently 1']);
    launcher.listeners[0]?.exited({ code: null, signal: 'SIGTERM', lastLines: [] });
    await settled();
    expect(supervisor.record.lastExit?.reason).toBe('did not become ready within 15 min');
  });

  it('announces each state in order', async () => {
    const { launcher, supervisor } = rig();
    const states: string[] = [];
    supervisor.changed.subscribe((record) => states.push(record.state.kind));
    launcher.onLaunch = (listener) => {
      listener.ready();
    };
    await supervisor.start();
    await settled();
    expect(states).toEqual(['starting', 'loading', 'ready']);
  });
});
