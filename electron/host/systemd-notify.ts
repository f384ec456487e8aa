import { execFile } from 'node:child_process';

/** Tells systemd how the service is doing. All calls do nothing when the process was not started by it. */
export interface SystemdNotifier {
  ready(): void;
  stopping(): Promise<void>;
  /** How often systemd wants to hear WATCHDOG=1, already halved as sd_watchdog_enabled(3) advises; null when it does not. */
  readonly watchdogIntervalMs: number | null;
  watchdog(): void;
}

/** Runs `systemd-notify` with arguments; resolves whatever becomes of it. */
export type NotifyRunner = (args: readonly string[]) => Promise<void>;

/**
 * A notifier from the environment. Node has no unix datagram sockets, so messages go through the `systemd-notify`
 * program; the unit therefore needs `NotifyAccess=all`.
 */
export function systemdNotifier(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
  run: NotifyRunner = runSystemdNotify,
): SystemdNotifier {
  if (!env['NOTIFY_SOCKET']) {
    return {
      ready: () => undefined,
      stopping: () => Promise.resolve(),
      watchdogIntervalMs: null,
      watchdog: () => undefined,
    };
  }
  const main = `MAINPID=${pid}`;
  return {
    ready: () => void run(['READY=1', main]),
    stopping: () => run(['STOPPING=1']),
    watchdogIntervalMs: watchdogIntervalMs(env, pid),
    watchdog: () => void run(['WATCHDOG=1']),
  };
}

/** Half of WATCHDOG_USEC in milliseconds, if it is meant for this process (WATCHDOG_PID). */
export function watchdogIntervalMs(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  const microseconds = Number(env['WATCHDOG_USEC']);
  const owner = env['WATCHDOG_PID'];
  if (!Number.isFinite(microseconds) || microseconds <= 0) return null;
  if (owner !== undefined && owner !== String(pid)) return null;
  return Math.max(1, Math.floor(microseconds / 2_000));
}

function runSystemdNotify(args: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    execFile('systemd-notify', [...args], { timeout: 2_000 }, () => {
      resolve();
    });
  });
}
