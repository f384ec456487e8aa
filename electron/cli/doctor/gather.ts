import { readFile, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { ControlClient } from '../../client/control-client.ts';
import type { AgentFile } from '../../contract/agent-file.ts';
import { agentFilePath, readAgentFile } from '../../host/agent-file.ts';
import { diskFacts, electronFacts, folderFacts } from '../../host/doctor-facts.ts';
import { describeHolder, portHolder } from '../../host/port-holder.ts';
import type { CliContext } from '../context.ts';
import { codeOf, failureOf } from '../failure.ts';
import type { AgentFacts, DoctorFacts, GatewayFacts, SettingsFacts } from './facts.ts';

/** The gateway is on this machine: an answer that takes longer is none. */
const gatewayPatienceMs = 3_000;
const usualGatewayPort = 8080;

/** Looks at everything that the checks judge. Changes nothing, and a look that fails is a fact too. */
export async function gatherFacts(context: CliContext, dataDir: string): Promise<DoctorFacts> {
  const file = await readAgentFile(dataDir).catch(() => null);
  const text = await configText(dataDir);
  const agent = await agentFacts(dataDir, file);
  const gatewayUrl = file?.gatewayUrl ?? `http://127.0.0.1:${nextGatewayPort(context, text)}`;
  return {
    nodeVersion: context.nodeVersion,
    dataDir,
    folder: await folderFacts(dataDir),
    settings: agent.state === 'answering' ? { state: 'in-force' } : settingsFacts(text),
    agent,
    gatewayUrl,
    gateway: await gatewayFacts(gatewayUrl, file !== null, context.platform),
    disk: await diskFacts(dataDir),
    memory: { availableBytes: process.availableMemory(), totalBytes: totalmem() },
    electron: await electronFacts(context.programDir, context.env),
    desktop: hasDesktop(context),
  };
}

type ConfigText = { readonly text: string } | { readonly failure: string } | null;

async function configText(dataDir: string): Promise<ConfigText> {
  try {
    return { text: await readFile(join(dataDir, 'config.json'), 'utf8') };
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : { failure: failureOf(error).message };
  }
}

function settingsFacts(config: ConfigText): SettingsFacts {
  if (config === null) return { state: 'absent' };
  if ('failure' in config) return { state: 'unreadable', reason: config.failure };
  const parsed = parseObject(config.text);
  return 'reason' in parsed ? { state: 'not-settings', reason: parsed.reason } : { state: 'readable' };
}

function parseObject(text: string): { readonly value: object } | { readonly reason: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value };
    return { reason: 'it is not a JSON object.' };
  } catch {
    return { reason: 'it is not JSON.' };
  }
}

/** The port that the next start would take, by the settings' order of precedence: environment, file, default. */
function nextGatewayPort(context: CliContext, config: ConfigText): number {
  const fromEnv = Number(context.env['RANCH_HAND_GATEWAY_PORT'] ?? '');
  if (isPort(fromEnv)) return fromEnv;
  const parsed = config !== null && 'text' in config ? parseObject(config.text) : null;
  const settings = parsed !== null && 'value' in parsed ? parsed.value : {};
  const gateway = 'gateway' in settings ? settings.gateway : null;
  const port = typeof gateway === 'object' && gateway !== null && 'port' in gateway ? Number(gateway.port) : 0;
  return isPort(port) ? port : usualGatewayPort;
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= 65_535;
}

async function agentFacts(dataDir: string, file: AgentFile | null): Promise<AgentFacts> {
  if (file === null) {
    const stale = await stat(agentFilePath(dataDir)).then(
      () => true,
      () => false,
    );
    return { state: 'absent', stale };
  }
  const client = new ControlClient({ url: file.controlUrl, token: file.controlToken });
  try {
    const snapshot = await client.snapshot();
    const chosenModel = await chosenModelOf(client).catch(() => null);
    return { state: 'answering', pid: file.pid, controlUrl: file.controlUrl, snapshot, chosenModel };
  } catch (error) {
    return { state: 'silent', pid: file.pid, message: failureOf(error).message };
  }
}

async function chosenModelOf(client: ControlClient): Promise<string | null> {
  const { rows } = await client.query('settings', {});
  const value = rows.find(({ key }) => key === 'models.default')?.value;
  return typeof value === 'string' ? resolve(value) : null;
}

async function gatewayFacts(url: string, running: boolean, platform: NodeJS.Platform): Promise<GatewayFacts> {
  const failure = running ? await healthFailure(url) : '';
  if (failure === null) return { state: 'healthy' };
  const holder = await portHolder(Number(new URL(url).port), platform);
  if (running) return { state: 'no-answer', reason: failure };
  return holder === null ? { state: 'free' } : { state: 'held', holder: describeHolder(holder) };
}

/** Why the gateway is not what answers at this address; null when it is. */
async function healthFailure(url: string): Promise<string | null> {
  try {
    const answer = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(gatewayPatienceMs) });
    const body: unknown = await answer.json();
    const healthy = typeof body === 'object' && body !== null && 'status' in body && body.status === 'ok';
    return answer.ok && healthy
      ? null
      : `what listens there answers with status ${answer.status} and is not the gateway.`;
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') return 'no answer came within 3 seconds.';
    return 'the connection failed.';
  }
}

function hasDesktop({ platform, env }: CliContext): boolean {
  if (platform === 'win32' || platform === 'darwin') return true;
  return (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== '';
}
