import { noCloud } from '../../../electron/contract/cloud.ts';
import type { Sections } from '../../../electron/agent/telemetry/snapshot.ts';
import type { SystemSample } from '../../../electron/agent/telemetry/sampler.ts';
import type {
  ActivityEntry,
  EngineSnapshot,
  ModelSnapshot,
  NodeSnapshot,
} from '../../../electron/contract/snapshot.ts';
import { plainEngine, plainModel, quietSections, plainGateway, plainRequest } from '../../fixtures/snapshot-parts.ts';

/** Parts of a snapshot that tests change one thing of. */

export const engine: EngineSnapshot = {
  id: 'embedded',
  kind: 'embedded',
  ownership: 'owned',
  state: 'ready',
  since: '2026-01-01T00:00:00.000Z',
  sentence: 'Ready.',
  version: null,
  foundAt: null,
  pid: 42,
  readyAt: null,
  restarts: 0,
  lastExit: null,
  nextTryAt: null,
  model: 'falcon3',
  slots: { total: 2, busy: 0 },
  memoryBytes: null,
  ...plainEngine,
};

export const model: ModelSnapshot = {
  id: 'falcon3',
  name: 'Falcon3-10B',
  engineId: 'embedded',
  path: null,
  family: null,
  parameters: null,
  quantization: null,
  sizeBytes: 1,
  contextLength: null,
  capabilities: ['chat'],
  loaded: true,
  isDefault: true,
  selfTest: false,
  problem: null,
  tokensPerSecond: null,
  ...plainModel,
  state: 'loaded',
};

export const gateway: NodeSnapshot['gateway'] = {
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

export const request: ActivityEntry = {
  trace: 't1',
  at: '2026-01-01T00:00:00.000Z',
  ...plainRequest,
  dialect: 'openai',
  operation: 'chat',
  stream: true,
  model: 'falcon3',
  upstream: 'embedded',
  route: 'local',
  reason: 'local-idle',
  state: 'running',
  status: null,
  error: null,
  promptTokens: null,
  completionTokens: null,
  ttftMs: null,
  durationMs: null,
  tokensPerSecond: null,
};

export const sample: SystemSample = {
  at: 1_000,
  cpuPercent: 12,
  perCore: [10, 14],
  loadAverage: [1, 2, 3],
  totalBytes: 100,
  usedBytes: 60,
  availableBytes: 40,
  engineBytesByPid: new Map([
    [42, 30],
    [43, 5],
  ]),
  agentBytes: 7,
  pressure: { cpu: 1, memory: 2, io: 3 },
};

export const sections: Sections = {
  node: {
    id: 'n',
    name: 'logos-prime',
    version: '0.1.0',
    platform: 'linux',
    startedAt: '2026-01-01T00:00:00.000Z',
    state: 'idle',
    sentence: 'Ready.',
    availability: { day: null, week: null, month: null },
  },
  system: {
    cpuPercent: 1,
    perCore: [1],
    loadAverage: null,
    memory: { totalBytes: 1, usedBytes: 1, availableBytes: 0, engineBytes: 0, agentBytes: 1 },
    pressure: null,
    cpuModel: 'x',
    gpus: [],
  },
  engines: [engine],
  models: [model],
  ...quietSections,
  gateway,
  cloud: noCloud,
  mesh: { listening: false, reachable: null, peers: [] },
  activity: [],
  notices: [],
};
