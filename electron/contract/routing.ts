/** Why a request went where it went: the closed list behind the `X-Ranch-Reason` header. */
export const routeReasons = [
  'local-idle',
  'local-queue',
  /** The model is not in memory yet: the request waits until it is. */
  'local-loading',
  /** The chat's prefix is in this engine's cache. */
  'local-cached',
  /** Waits here by policy rather than be sent elsewhere. */
  'local-routine',
  'local-not-ready',
  /** A peer is expected to begin its answer sooner. */
  'peer-faster',
  'peer-cached',
  /** The model is on a peer only. */
  'peer-only',
  /** This node cannot begin in time, and offloading is allowed. */
  'cloud-saturated',
  /** The caller named a model of the cloud, or its policy prefers it. */
  'cloud-requested',
  /** Tried because the one before it failed before its first byte. */
  'fallback',
  'no-budget',
  'offload-off',
  /** The caller's or the key's ceiling forbids what could have answered. */
  'ceiling',
  /** The key's rate, share or money is used up. */
  'key-limit',
  /** The request came from this node already. */
  'loop',
  'unknown-model',
  'bad-request',
  'unauthorized',
  'not-found',
  'too-busy',
  'shutting-down',
  'local-failed',
  'caller-gone',
] as const;
export type RouteReason = (typeof routeReasons)[number];

export const priorities = ['low', 'normal', 'high'] as const;
export type Priority = (typeof priorities)[number];

/** Never further than this: this machine, the ranch, or a cloud provider. */
export const ceilings = ['local', 'ranch', 'cloud'] as const;
export type Ceiling = (typeof ceilings)[number];

/** Names that stand for a policy rather than for a model. */
export const virtualModels = ['ranch/auto', 'ranch/local', 'ranch/routine', 'ranch/quality'] as const;
export type VirtualModel = (typeof virtualModels)[number];

/** Names that stand for a purpose: each goes to the cloud models that are set for it, where offloading is allowed. */
export const purposeModels = ['ranch/long-context', 'ranch/live', 'ranch/code', 'ranch/reasoning'] as const;
export type PurposeModel = (typeof purposeModels)[number];

/** Stands for the model that the settings choose for speech. */
export const speechModel = 'ranch/speech';

/** Request headers that callers may send, lower case. */
export const callerHeaders = {
  priority: 'x-ranch-priority',
  ceiling: 'x-ranch-ceiling',
  /** Dollars. */
  maxCost: 'x-ranch-max-cost',
  /** Ids of the nodes that the request has passed, comma-separated; peers send it to each other. */
  hops: 'x-ranch-hops',
  /** Ids of a chat that some programs send. */
  sessions: ['x-claude-code-session-id', 'x-session-affinity', 'x-session-id'],
} as const;

/** Response headers of the gateway's answers, errors too; `upstream`, `model` and `ignored` where there is one. */
export const ranchHeaders = {
  trace: 'x-ranch-trace',
  route: 'x-ranch-route',
  node: 'x-ranch-node',
  upstream: 'x-ranch-upstream',
  model: 'x-ranch-model',
  reason: 'x-ranch-reason',
  /** Names of request fields that were accepted and dropped. */
  ignored: 'x-ranch-ignored',
} as const;
