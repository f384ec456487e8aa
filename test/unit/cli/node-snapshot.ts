import { noCloud } from '../../../electron/contract/cloud.ts';
import type {
  ActivityEntry,
  EngineSnapshot,
  MeasuredSpeed,
  ModelFit,
  ModelSnapshot,
  NodeSnapshot,
  PullSnapshot,
  SwitchSnapshot,
} from '../../../electron/contract/snapshot.ts';
import { plainEngine, plainModel, quietSections, plainGateway, plainRequest } from '../../fixtures/snapshot-parts.ts';

const gib = 1024 ** 3;

/** When the node of these tests was looked at: five minutes after it started. */
export const lookedAtMs = Date.UTC(2026, 10, 22, 12, 5, 0);

export function anEngine(change: Partial<EngineSnapshot> = {}): EngineSnapshot {
  return {
    id: 'embedded',
    kind: 'embedded',
    ownership: 'owned',
    state: 'ready',
    since: '2026-11-22T12:00:30.000Z',
    sentence: 'Ready with falcon3-10b-instruct.',
    version: '3.21.1',
    foundAt: 'node-llama-cpp',
    pid: 4242,
    readyAt: '2026-11-22T12:00:30.000Z',
    restarts: 0,
    lastExit: null,
    nextTryAt: null,
    model: 'falcon3-10b-instruct',
    slots: { total: 4, busy: 2 },
    memoryBytes: 4.5 * gib,
    ...plainEngine,
    ...change,
  };
}

export function aModel(change: Partial<ModelSnapshot> = {}): ModelSnapshot {
  return {
    id: 'falcon3-10b-instruct',
    name: 'Falcon3 10B Instruct',
    engineId: 'embedded',
    path: '/models/falcon3-10b-instruct.gguf',
    family: 'llama',
    parameters: 10_300_000_000,
    quantization: 'i2_s',
    sizeBytes: 3.9 * gib,
    contextLength: 32_768,
    capabilities: ['chat', 'completion'],
    loaded: true,
    isDefault: true,
    selfTest: false,
    problem: null,
    tokensPerSecond: 17.8,
    ...plainModel,
    state: 'loaded',
    group: 'falcon3-10b-instruct',
    engines: ['embedded'],
    ...change,
  };
}

export function aFit(change: Partial<ModelFit> = {}): ModelFit {
  return {
    verdict: 'fits',
    sentence: 'Fits: needs 5.7 GB, 41 GB are free.',
    weightsBytes: 3.9 * gib,
    kvBytes: 0.5 * gib,
    computeBytes: 300 * 1024 ** 2,
    headroomBytes: gib,
    neededBytes: 5.7 * gib,
    freeBytes: 41 * gib,
    contextLength: 8192,
    parallel: 1,
    kvType: 'f16',
    largestContextLength: 32_768,
    tokensPerSecond: 18,
    prefillTokensPerSecond: 140,
    measured: true,
    unload: [],
    ...change,
  };
}

export function aSpeed(change: Partial<MeasuredSpeed> = {}): MeasuredSpeed {
  return {
    tokensPerSecond: 12.3,
    prefillTokensPerSecond: 140,
    count: 7,
    engineId: 'embedded',
    contextLength: 8192,
    ...change,
  };
}

export function aPull(change: Partial<PullSnapshot> = {}): PullSnapshot {
  return {
    id: 'p1',
    reference: 'hf.co/ggml-org/gemma:Q4_K_M',
    name: 'gemma',
    source: 'hugging-face',
    state: 'running',
    sentence: 'Receiving.',
    receivedBytes: 126_500_000,
    totalBytes: 253_000_000,
    bytesPerSecond: 10 * 1024 ** 2,
    secondsLeft: 12,
    startedAt: '2026-11-22T12:04:00.000Z',
    endedAt: null,
    thenUse: false,
    model: null,
    ...change,
  };
}

export function aSwitch(change: Partial<SwitchSnapshot> = {}): SwitchSnapshot {
  return {
    id: 's1',
    to: 'llama',
    from: 'falcon3-10b-instruct',
    engineId: 'llama-server',
    phase: 'loading',
    progress: 0.4,
    startedAt: '2026-11-22T12:04:00.000Z',
    since: '2026-11-22T12:04:10.000Z',
    sentence: 'Loading llama.',
    error: null,
    ...change,
  };
}

export function aRequest(change: Partial<ActivityEntry> = {}): ActivityEntry {
  return {
    trace: 'tr_1',
    at: '2026-11-22T12:04:58.000Z',
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
    promptTokens: 12,
    completionTokens: 34,
    ttftMs: 210,
    durationMs: 2_100,
    tokensPerSecond: 17.8,
    ...change,
  };
}

/** A node that serves two requests with a real model. */
export function aNode(change: Partial<NodeSnapshot> = {}): NodeSnapshot {
  return {
    node: {
      id: 'n_1',
      name: 'logos-prime',
      version: '0.1.0',
      platform: 'linux',
      startedAt: '2026-11-22T12:00:00.000Z',
      state: 'serving',
      sentence: 'Answering 2 requests with falcon3-10b-instruct.',
      availability: { day: null, week: null, month: null },
    },
    system: {
      cpuPercent: 62.4,
      perCore: [60, 64, 61, 65],
      loadAverage: [2.5, 1.25, 0.75],
      memory: {
        totalBytes: 96 * gib,
        usedBytes: 41 * gib,
        availableBytes: 55 * gib,
        engineBytes: 4.5 * gib,
        agentBytes: 0.1 * gib,
      },
      pressure: { cpu: 3.2, memory: 0, io: 0.4 },
      cpuModel: 'Ryzen',
      gpus: [],
    },
    engines: [anEngine()],
    models: [aModel()],
    ...quietSections,
    gateway: {
      url: 'http://127.0.0.1:8080',
      inFlight: 2,
      queued: 1,
      saturation: 0.5,
      level: 'busy',
      tokensPerSecond: 35.6,
      ttftMs: 210,
      requestsTotal: 1_300,
      failuresTotal: 2,
      completionTokensTotal: 45_000,
      ...plainGateway,
    },
    cloud: noCloud,
    mesh: { listening: false, reachable: null, peers: [] },
    activity: [aRequest()],
    notices: [],
    history: {
      intervalMs: 1000,
      capacity: 300,
      points: [0, 12, 24, 35.6].map((tokensPerSecond, index) => ({
        at: lookedAtMs - (3 - index) * 1000,
        tokensPerSecond,
        cpuPercent: 62,
        memoryUsedBytes: 41 * gib,
        engineBytes: 4.5 * gib,
        inFlight: 2,
        queued: 1,
        saturation: 0.5,
        memoryPressure: 0,
      })),
    },
    ...change,
  };
}
