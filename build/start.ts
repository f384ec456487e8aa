// `npm start`: builds what is stale, finds the node or starts it, opens the tray where Electron is, and says where the
// panel and the API are. Ctrl-C stops what this program started and nothing else. Arguments go to the agent.
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ControlClient } from '../electron/client/control-client.ts';
import { type AgentFile } from '../electron/contract/agent-file.ts';
import { readAgentFile } from '../electron/host/agent-file.ts';
import { dataDir as usualDataDir } from '../electron/host/paths.ts';
import { buildStale } from './bundling/build-stale.ts';
import { projectRoot } from './bundling/product.ts';
import { products } from './bundling/products.ts';
import { announce } from './starting/announcement.ts';
import { readinessOf, waitUntilReadyToAnswer } from './starting/readiness.ts';
import { StartedProcess } from './starting/started-process.ts';
import { findTrayProgram, type TrayProgram } from './starting/tray-program.ts';
import { tellUnapplied } from './starting/unapplied-arguments.ts';

const pollMs = 40;
const readyLimitMs = 60_000;
/** A large model on a slow disk takes minutes; after this the addresses are printed all the same. */
const modelLimitMs = 180_000;

/** The data folder that the agent will use with these arguments. */
function dataFolder(agentArgs: readonly string[]): string {
  const at = agentArgs.findIndex((arg) => arg === '--data-dir' || arg.startsWith('--data-dir='));
  const arg = agentArgs[at];
  const named = arg?.includes('=') === true ? arg.slice(arg.indexOf('=') + 1) : agentArgs[at + 1];
  return at === -1 || named === undefined ? usualDataDir() : resolve(named);
}

/** Waits until the agent has said where it is; undefined if it ended or took too long. */
async function waitUntilReady(agent: StartedProcess, dataDir: string): Promise<AgentFile | undefined> {
  const end = Date.now() + readyLimitMs;
  while (agent.running && Date.now() < end) {
    const file = await readAgentFile(dataDir);
    if (file?.pid === agent.pid && file !== null) return file;
    await Promise.race([delay(pollMs), agent.ended]);
  }
  return undefined;
}

/** Windows ends a process that is sent a signal on the spot, so there the agent is asked through its own API. */
async function askToStop(agent: StartedProcess, client: ControlClient): Promise<void> {
  if (process.platform !== 'win32') agent.signal('SIGTERM');
  else await client.command('agent.shutdown', {}).catch(() => agent.signal('SIGTERM'));
}

/** Resolves at the first signal that asks this program to stop; a second one stops the agent at once. */
function untilAskedToStop(again: () => void): Promise<undefined> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (): void => {
      if (asked) again();
      asked = true;
      resolve(undefined);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}

async function build(): Promise<boolean> {
  const { failures } = await buildStale(products, { force: false, say: (line) => console.log(line) });
  for (const { name, error } of failures) console.error(`${name} could not be built.\n${error.message}`);
  return failures.length === 0;
}

const findTray = (): TrayProgram =>
  findTrayProgram({ root: projectRoot, platform: process.platform, env: process.env, userId: process.getuid?.() });

/** Waits until the node can answer and says where it does. Throws if the node ends meanwhile. */
async function tell(client: ControlClient, file: AgentFile, foundRunning: boolean, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(modelLimitMs)]);
  const snapshot = await waitUntilReadyToAnswer(client, limit, (sentence) => console.log(sentence));
  if (signal.aborted) return;
  const readiness = readinessOf(snapshot);
  const { url: panelUrl } = await client.ticket();
  const tray = findTray();
  const facts = {
    platform: process.platform,
    gatewayUrl: file.gatewayUrl,
    panelUrl,
    model: snapshot.models.find(({ isDefault }) => isDefault)?.id,
    foundRunning,
    notYet: readiness.state === 'ready' ? undefined : readiness.sentence,
    noTray: tray.kind === 'none' ? tray.reason : undefined,
  };
  for (const line of announce(facts)) console.log(line);
}

/** Opens the tray where it can be opened. */
function openTray(dataDir: string): StartedProcess | undefined {
  const found = findTray();
  if (found.kind === 'none') return undefined;
  return new StartedProcess(found.path, found.args, { ...process.env, RANCH_HAND_DATA_DIR: dataDir });
}

/** Follows a node that answers until it ends or this program is asked to stop; then stops what was started here. */
async function follow(
  file: AgentFile,
  dataDir: string,
  agent: StartedProcess | undefined,
  asked: Promise<undefined>,
): Promise<number> {
  const client = new ControlClient({ url: file.controlUrl, token: file.controlToken });
  const leaving = new AbortController();
  const told = tell(client, file, agent === undefined, leaving.signal).then(
    () => 'told' as const,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  const first = await Promise.race([told, asked, ...(agent ? [agent.ended] : [])]);
  leaving.abort();
  if (first instanceof Error && agent?.running !== false) console.error(`The node stopped answering: ${first.message}`);
  const tray = first === 'told' ? openTray(dataDir) : undefined;
  const ended = agent?.ended ?? tray?.ended ?? Promise.resolve(first === 'told' ? 0 : 1);
  const code = first instanceof Error ? 1 : await Promise.race([ended, asked]);
  await tray?.stop();
  await agent?.stop(() => askToStop(agent, client));
  return code ?? 0;
}

async function main(agentArgs: readonly string[]): Promise<number> {
  if (!(await build())) return 1;
  const dataDir = dataFolder(agentArgs);
  const running = await readAgentFile(dataDir);
  if (running) for (const line of tellUnapplied(agentArgs, running.pid, process.platform)) console.error(line);
  const agent = running
    ? undefined
    : new StartedProcess(process.execPath, [join(projectRoot, 'dist/agent.js'), ...agentArgs], process.env);
  const asked = untilAskedToStop(() => agent?.signal('SIGTERM'));
  const file = running ?? (agent && (await Promise.race([waitUntilReady(agent, dataDir), asked])));
  if (file !== undefined) return follow(file, dataDir, agent, asked);
  // It has said itself why it ended, or was asked to.
  await agent?.stop();
  return agent === undefined ? 1 : agent.ended;
}

process.exitCode = await main(process.argv.slice(2));
