import { basename, dirname, join, resolve } from 'node:path';
import { createAgent, type Agent } from './agent/agent.ts';
import { toAppError, type AppError } from './agent/base/errors.ts';
import { readAgentArguments } from './agent/options.ts';
import { version } from './contract/version.ts';
import { dataDir as usualDataDir } from './host/paths.ts';
import { systemdNotifier } from './host/systemd-notify.ts';

/** Longest that stopping may take before the process leaves anyway. */
const stopLimitMs = 10_000;

/** Where the built parts are: beside this bundle, or in `dist/` when run from the sources. */
function distDir(): string {
  const here = import.meta.dirname;
  return basename(here) === 'electron' ? join(dirname(here), 'dist') : here;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(error: AppError): void {
  process.stderr.write(`ranch-hand: ${error.message} [${error.code}]\n`);
}

/** Leaves without the rest of the stopping. An engine that hangs would not notice that its agent is gone. */
function leaveNow(agent: Agent): never {
  agent.killEngines();
  process.exit(1);
}

/** Stops the agent once, whatever asks for it; a second signal does not wait for running answers. */
function stopOnSignals(agent: Agent, stopping: () => Promise<void>): void {
  let asked = false;
  const stop = (): void => {
    if (asked) leaveNow(agent);
    asked = true;
    setTimeout(() => leaveNow(agent), stopLimitMs).unref();
    void stopping();
    void agent.stop();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', stop);
}

async function run(): Promise<void> {
  const args = readAgentArguments(process.argv.slice(2));
  const dataDir = args.dataDir === null ? usualDataDir() : resolve(args.dataDir);
  const notifier = systemdNotifier(process.env, process.pid);
  const agent = createAgent({ dataDir, distDir: distDir(), overrides: args.overrides, env: process.env });
  stopOnSignals(agent, () => notifier.stopping());
  process.on('uncaughtException', (error) => {
    agent.reportFatal(error);
    complain(toAppError(error));
    process.exitCode = 1;
    setTimeout(() => leaveNow(agent), stopLimitMs).unref();
    void agent.stop();
  });

  const { gatewayUrl } = await agent.start();
  notifier.ready();
  const watchdog = notifier.watchdogIntervalMs;
  if (watchdog !== null) setInterval(() => notifier.watchdog(), watchdog).unref();
  say(`Ranch Hand ${version} answers at ${gatewayUrl}/v1. The panel: ranch-hand panel. Stop with Ctrl-C.`);
  await agent.stopped;
}

try {
  await run();
} catch (error) {
  const known = toAppError(error);
  // Asked to stop before it had started: that is what happened, and no complaint.
  if (known.code !== 'shutting_down') {
    complain(known);
    process.exitCode = known.code === 'invalid_request' || known.code === 'settings_invalid' ? 2 : 1;
  }
}
