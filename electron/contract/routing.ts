/** Why a request went where it went: the closed list behind the `X-Ranch-Reason` header. */
export const routeReasons = [
  'local-idle',
  'local-queue',
  /** The model is not in memory yet: the request waits until it is. */
  'local-loading',
  'local-not-ready',
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

/** Response headers that every answer of the gateway carries, errors too. */
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
