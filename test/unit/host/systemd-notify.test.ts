import { describe, expect, it } from 'vitest';
import { systemdNotifier, watchdogIntervalMs } from '../../../electron/host/systemd-notify.ts';

function recorder() {
  const calls: string[][] = [];
  const run = (args: readonly string[]): Promise<void> => {
    calls.push([...args]);
    return Promise.resolve();
  };
  return { calls, run };
}

describe('systemdNotifier', () => {
  it('says nothing when systemd did not start the process', async () => {
    const { calls, run } = recorder();
    const notifier = systemdNotifier({}, 7, run);
    notifier.ready();
    notifier.watchdog();
    await notifier.stopping();
    expect(calls).toEqual([]);
    expect(notifier.watchdogIntervalMs).toBeNull();
  });

  it('tells READY with the main pid, WATCHDOG and STOPPING', async () => {
    const { calls, run } = recorder();
    const notifier = systemdNotifier({ NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 7, run);
    notifier.ready();
    notifier.watchdog();
    await notifier.stopping();
    expect(calls).toEqual([['READY=1', 'MAINPID=7'], ['WATCHDOG=1'], ['STOPPING=1']]);
    expect(notifier.watchdogIntervalMs).toBe(15_000);
  });

  it('leaves a watchdog alone that is meant for another process', () => {
    expect(watchdogIntervalMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, 7)).toBeNull();
    expect(watchdogIntervalMs({ WATCHDOG_USEC: 'soon' }, 7)).toBeNull();
  });
});
