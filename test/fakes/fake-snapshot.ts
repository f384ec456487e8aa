import { type ActivityEntry, type HistoryPoint, type NodeSnapshot } from '../../electron/contract/snapshot.ts';
import { fakeCloud } from './fake-control-cloud.ts';
import { fakeEngines, fakeModels, fakePulls } from './fake-control-data.ts';
import { plainGateway, plainRequest } from '../fixtures/snapshot-parts.ts';

const gib = 1024 ** 3;

/** One second of a node that answers in waves; `second` makes it differ from its neighbours in a known way. */
export function fakePoint(at: number, second: number): HistoryPoint {
  const wave = Math.max(0, Math.sin(second / 17) * 14 + Math.sin(second / 5) * 4 + 4);
  return {
    at,
    tokensPerSecond: Number(wave.toFixed(1)),
    cpuPercent: Math.min(100, 12 + wave * 3.6),
    memoryUsedBytes: (38 + Math.sin(second / 40) * 2) * gib,
    engineBytes: 5.4 * gib,
    inFlight: wave > 1 ? 2 : 0,
    queued: wave > 16 ? 1 : 0,
    saturation: wave > 1 ? 0.5 : 0,
    memoryPressure: Math.max(0, Math.sin(second / 23) * 2),
  };
}

/**
 * A whole, lively node: two running requests on an embedded engine of four slots, an adopted Ollama, a llama-server,
 * models of every verdict and pulls in several states; `now` in ms since the epoch.
 */
export function fakeSnapshot(now: number): NodeSnapshot {
  const iso = (ago: number): string => new Date(now - ago).toISOString();
  const points = Array.from({ length: 300 }, (_, index) => fakePoint(now - (299 - index) * 1000, index));
  return {
    node: {
      id: 'n-4f1c',
      name: 'logos-prime',
      version: '0.1.0',
      platform: 'linux',
      startedAt: iso(3 * 3600_000 + 12 * 60_000),
      state: 'serving',
      sentence: 'logos-prime answers with falcon3-10b-instruct; two slots are free.',
      availability: { day: 0.998, week: 0.9963, month: 0.9871 },
    },
    system: {
      cpuPercent: 62,
      perCore: Array.from({ length: 16 }, (_, core) => 40 + core * 2),
      loadAverage: [6.21, 5.4, 4.02],
      memory: {
        totalBytes: 96 * gib,
        usedBytes: 38.6 * gib,
        availableBytes: 57.4 * gib,
        engineBytes: 5.4 * gib,
        agentBytes: 0.11 * gib,
      },
      pressure: { cpu: 3.2, memory: 0.4, io: 0 },
      cpuModel: 'AMD Ryzen 7',
      gpus: [],
    },
    engines: fakeEngines(iso),
    models: fakeModels(iso),
    pulls: fakePulls(iso),
    switching: null,
    installs: [],
    gateway: {
      url: 'http://127.0.0.1:8080',
      inFlight: 2,
      queued: 1,
      saturation: 0.5,
      level: 'busy',
      tokensPerSecond: 17.8,
      ttftMs: 412,
      requestsTotal: 1284,
      failuresTotal: 3,
      completionTokensTotal: 220_431,
      ...plainGateway,
      slots: 9,
      saturationCause: '1 request waits for 4 slots; the next would wait 3 s',
      refusalsTotal: 2,
      promptTokensTotal: 614_220,
      cachedTokensTotal: 522_087,
      listening: { scope: 'lan', addresses: ['http://192.168.1.20:8080', 'http://logos-prime.local:8080'] },
      keysTotal: 2,
      callers: [
        { key: 'claude-code', from: '192.168.1.24', lastAt: iso(4_000), requests: 212 },
        { key: 'aider', from: '127.0.0.1', lastAt: iso(8 * 60_000), requests: 31 },
      ],
      breakers: [{ upstream: 'llama-server', state: 'open', cause: 'failing', nextTryAt: iso(-24_000) }],
    },
    cloud: fakeCloud(now),
    mesh: { listening: false, reachable: null, peers: [] },
    activity: fakeActivity(iso),
    notices: [
      {
        id: 'engine-restarted',
        severity: 'warning',
        sentence: 'The engine ended by signal SIGKILL and was started again. Look at its last lines.',
        since: iso(42 * 60_000),
        fix: { kind: 'command', label: 'Restart the engine', command: 'engines.restart', body: { id: 'embedded' } },
      },
      {
        id: 'self-test-model',
        severity: 'info',
        sentence:
          'A self-test model is installed too. It proves the path and knows nothing; put a GGUF file beside it.',
        since: iso(3 * 3600_000),
        fix: { kind: 'path', label: 'Models folder', path: '/home/rancher/.local/share/ranch-hand/models' },
      },
    ],
    history: { intervalMs: 1000, capacity: 300, points },
  };
}

function fakeActivity(iso: (ago: number) => string): ActivityEntry[] {
  const entry = (over: Partial<ActivityEntry> & Pick<ActivityEntry, 'trace' | 'at'>): ActivityEntry => ({
    ...plainRequest,
    dialect: 'openai',
    operation: 'chat',
    stream: true,
    model: 'falcon3-10b-instruct',
    upstream: 'embedded',
    route: 'local',
    reason: 'local-idle',
    state: 'done',
    status: 200,
    error: null,
    promptTokens: 512,
    completionTokens: 218,
    ttftMs: 412,
    durationMs: 12_800,
    tokensPerSecond: 17.6,
    ...over,
  });
  return [
    entry({
      trace: 't-06',
      at: iso(4_000),
      state: 'running',
      status: null,
      completionTokens: null,
      durationMs: null,
      tokensPerSecond: null,
    }),
    entry({
      trace: 't-05',
      at: iso(9_000),
      state: 'running',
      status: null,
      reason: 'local-queue',
      ttftMs: null,
      completionTokens: null,
      durationMs: null,
      tokensPerSecond: null,
    }),
    entry({ trace: 't-04', at: iso(31_000), completionTokens: 96, durationMs: 5_900 }),
    entry({
      trace: 't-03',
      at: iso(75_000),
      model: 'gpt-5',
      route: 'none',
      upstream: null,
      reason: 'unknown-model',
      state: 'failed',
      status: 404,
      error: 'model_not_found',
      promptTokens: null,
      completionTokens: null,
      ttftMs: null,
      durationMs: 1.2,
      tokensPerSecond: null,
    }),
    entry({
      trace: 't-02',
      at: iso(8 * 60_000),
      operation: 'embedding',
      stream: false,
      completionTokens: null,
      ttftMs: null,
      durationMs: 88,
      tokensPerSecond: null,
    }),
    entry({ trace: 't-01', at: iso(22 * 60_000), state: 'aborted', status: 200, reason: 'caller-gone' }),
  ];
}
