import { type ActivityEntry, type HistoryPoint, type NodeSnapshot } from '../../electron/contract/snapshot.ts';

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

/** A whole, lively node: two running requests on an embedded engine of four slots, `now` in ms since the epoch. */
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
      availability: { day: 0.998, week: null, month: null },
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
    engines: [
      {
        id: 'embedded',
        kind: 'embedded',
        ownership: 'owned',
        state: 'ready',
        since: iso(42 * 60_000),
        sentence: 'Ready with falcon3-10b-instruct.',
        version: '3.21.1',
        foundAt: 'node-llama-cpp',
        pid: 41213,
        readyAt: iso(42 * 60_000),
        restarts: 1,
        lastExit: {
          at: iso(42 * 60_000 + 3_000),
          code: null,
          signal: 'SIGKILL',
          reason: 'ended by signal SIGKILL',
          lastLines: ['load: model loaded', 'slot 2: 214 tokens decoded'],
        },
        nextTryAt: null,
        model: 'falcon3-10b-instruct',
        slots: { total: 4, busy: 2 },
        memoryBytes: 5.4 * gib,
      },
    ],
    models: fakeModels(),
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
    },
    cloud: { offload: 'off', until: null, providers: [], budgets: [] },
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

function fakeModels(): NodeSnapshot['models'] {
  return [
    {
      id: 'falcon3-10b-instruct',
      name: 'Falcon3 10B Instruct',
      engineId: 'embedded',
      path: '/home/rancher/.local/share/ranch-hand/models/falcon3-10b-instruct-q4_k_m.gguf',
      family: 'llama',
      parameters: 10_305_653_760,
      quantization: 'Q4_K_M',
      sizeBytes: 6_287_521_312,
      contextLength: 32_768,
      capabilities: ['chat', 'completion', 'json'],
      loaded: true,
      isDefault: true,
      selfTest: false,
      problem: null,
      tokensPerSecond: 17.8,
    },
    {
      id: 'ranch-self-test',
      name: 'Self-test',
      engineId: 'embedded',
      path: null,
      family: 'llama',
      parameters: 248_832,
      quantization: 'F16',
      sizeBytes: 1_048_576,
      contextLength: 2048,
      capabilities: ['chat', 'completion'],
      loaded: false,
      isDefault: false,
      selfTest: true,
      problem: null,
      tokensPerSecond: null,
    },
    {
      id: 'qwen3-coder-next',
      name: 'Qwen3 Coder Next',
      engineId: null,
      path: '/home/rancher/.local/share/ranch-hand/models/qwen3-coder-next-q8_0.gguf',
      family: 'qwen3',
      parameters: 79_674_391_296,
      quantization: 'Q8_0',
      sizeBytes: 84_850_000_000,
      contextLength: 262_144,
      capabilities: ['chat', 'tools'],
      loaded: false,
      isDefault: false,
      selfTest: false,
      problem: 'It needs 88 GB and 57 GB are free. Use a smaller quantization.',
      tokensPerSecond: null,
    },
  ];
}

function fakeActivity(iso: (ago: number) => string): ActivityEntry[] {
  const entry = (over: Partial<ActivityEntry> & Pick<ActivityEntry, 'trace' | 'at'>): ActivityEntry => ({
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
