import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../../electron/agent/base/clock.ts';
import { AppError } from '../../../electron/agent/base/errors.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { ControlServer, type ControlDeadlines } from '../../../electron/agent/control/control-server.ts';
import type { ExportHandlers } from '../../../electron/agent/control/exports.ts';
import { startTelemetry, type RunningTelemetry } from '../telemetry/running-telemetry.ts';
import type { LogLine, SettingRow } from '../../../electron/contract/control.ts';
import type { EngineSnapshot, NodeSnapshot, Notice } from '../../../electron/contract/snapshot.ts';
import { plainEngine, plainGateway } from '../../fixtures/snapshot-parts.ts';

export const token = 'token-of-this-test-0123456789-0123456789';

const calmGateway: NodeSnapshot['gateway'] = {
  url: 'http://127.0.0.1:8080',
  inFlight: 0,
  queued: 0,
  saturation: 0,
  level: 'calm',
  tokensPerSecond: 0,
  ttftMs: null,
  requestsTotal: 0,
  failuresTotal: 0,
  completionTokensTotal: 0,
  ...plainGateway,
};

export const readyEngine: EngineSnapshot = {
  id: 'embedded',
  kind: 'embedded',
  ownership: 'owned',
  state: 'ready',
  since: '2026-01-01T00:00:00.000Z',
  sentence: 'Ready.',
  version: '3.21.1',
  foundAt: 'node-llama-cpp',
  pid: process.pid,
  readyAt: '2026-01-01T00:00:00.000Z',
  restarts: 0,
  lastExit: null,
  nextTryAt: null,
  model: 'self-test',
  slots: { total: 2, busy: 0 },
  memoryBytes: null,
  ...plainEngine,
};

export const portRow: SettingRow = {
  key: 'gateway.port',
  value: 8080,
  valueAfterRestart: 8081,
  defaultValue: 8080,
  origin: 'default',
};

/** What the rooms of a node would say; a test changes it and calls `telemetry.publisher.touch()`. */
export interface Rooms {
  engines: EngineSnapshot[];
  gateway: NodeSnapshot['gateway'];
  notices: Notice[];
}

export interface ControlNode {
  readonly rooms: Rooms;
  readonly telemetry: RunningTelemetry;
  readonly server: ControlServer;
  readonly url: string;
  readonly port: number;
  /** Commands that were carried out, in order. */
  readonly commands: { readonly name: string; readonly body: unknown }[];
  readonly panelDir: string;
  log(line: LogLine): void;
  logListeners(): number;
  stop(): Promise<void>;
}

export interface NodeOptions {
  readonly port?: number;
  readonly preferredPort?: number;
  readonly token?: string;
  readonly deadlines?: ControlDeadlines;
  readonly clock?: Clock;
  readonly chat?: (request: IncomingMessage, response: ServerResponse) => void;
  readonly exports?: ExportHandlers;
}

export const indexHtml = '<!doctype html><title>Panel</title><script type="module" src="/assets/app-1a2b.js"></script>';

/** A control listener over real telemetry, with rooms of the test's own. */
export async function startNode(options: NodeOptions = {}): Promise<ControlNode> {
  const folder = await mkdtemp(join(tmpdir(), 'ranch-hand-control-'));
  const panelDir = join(folder, 'panel');
  await mkdir(join(panelDir, 'assets'), { recursive: true });
  await writeFile(join(panelDir, 'index.html'), indexHtml);
  await writeFile(join(panelDir, 'assets', 'app-1a2b.js'), 'export {};\n');
  await writeFile(join(folder, 'secret.txt'), 'not for the panel');

  const rooms: Rooms = { engines: [readyEngine], gateway: calmGateway, notices: [] };
  const { clock = systemClock } = options;
  const telemetry = await startTelemetry({
    clock,
    engines: () => rooms.engines,
    gateway: () => rooms.gateway,
    notices: () => rooms.notices,
  });
  const commands: ControlNode['commands'] = [];
  const record = (name: string) => (body: unknown) => {
    commands.push({ name, body });
  };
  const lines: LogLine[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  const requireEngine = (engine: string): void => {
    if (engine !== 'embedded') throw new AppError('not_found', 'There is no such engine.');
  };
  const server = new ControlServer(
    {
      host: '127.0.0.1',
      port: options.port ?? 0,
      ...(options.preferredPort === undefined ? {} : { preferredPort: options.preferredPort }),
      token: options.token ?? token,
      sessionSecret: 'secret-of-this-test-0123456789-012345678',
      nodeId: 'node-1',
      panelDir,
      ...(options.deadlines === undefined ? {} : { deadlines: options.deadlines }),
    },
    {
      feed: telemetry.publisher,
      commands: {
        'engines.start': record('engines.start'),
        'engines.stop': record('engines.stop'),
        'engines.restart': ({ id }) => {
          requireEngine(id);
          record('engines.restart')({ id });
        },
        'settings.update': record('settings.update'),
        'agent.shutdown': record('agent.shutdown'),
      },
      queries: {
        logs: {
          tail: (engine, count) => {
            requireEngine(engine);
            return lines.slice(-count);
          },
          subscribe: (_engine, listener) => {
            listeners.add(listener);
            return () => listeners.delete(listener);
          },
        },
        settings: () => ({ settings: { gateway: { port: 8080 } }, rows: [portRow] }),
      },
      ...(options.exports === undefined ? {} : { exports: options.exports }),
      chat: options.chat ?? ((_request, response) => response.end('{}')),
      clock,
      logger: silentLogger,
    },
  );
  try {
    await server.start();
  } catch (error) {
    await telemetry.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    rooms,
    telemetry,
    server,
    url: server.url,
    port: server.port,
    commands,
    panelDir,
    log(line) {
      lines.push(line);
      for (const listener of [...listeners]) listener(line);
    },
    logListeners: () => listeners.size,
    async stop() {
      await server.stop();
      await telemetry.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** One request with exactly these headers, and Host. */
export function send(port: number, path: string, call: Call = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port, path, method: call.method ?? 'GET', agent: false, headers: call.headers ?? {} },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(call.body);
  });
}

/** The same with the token. */
export function sendAsOperator(port: number, path: string, call: Call = {}): Promise<Answer> {
  return send(port, path, { ...call, headers: { authorization: `Bearer ${token}`, ...call.headers } });
}

/** Bytes as they are, to a connection of their own; resolves with all that comes back before it closes. */
export function sendRaw(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => (text += piece));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

/** The error code in an answer's body. */
export function codeIn(text: string): unknown {
  const body: unknown = JSON.parse(text);
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const { error } = body;
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
