import type { Estimate } from '../../../../electron/contract/trace.ts';
import type { BreakerStanding, LeftOut } from '../../../../electron/agent/gateway/dispatch/breaker.ts';
import type {
  RouteAsk,
  RouteContext,
  RouteOption,
  RoutePlan,
} from '../../../../electron/agent/gateway/routing/plan.ts';
import type { SpendingVerdict } from '../../../../electron/agent/inference/spending.ts';
import type {
  Capability,
  ServedModel,
  UpstreamDescription,
  UpstreamRoute,
} from '../../../../electron/agent/inference/upstream.ts';

export function model(id: string, change: Partial<ServedModel> = {}): ServedModel {
  const capabilities: Capability[] = ['chat', 'completion'];
  return { id, contextLength: 8_192, capabilities, sizeBytes: 1e9, loaded: true, createdAtS: 0, ...change };
}

interface OptionChange extends Partial<UpstreamDescription> {
  readonly expected?: Partial<Estimate> | ((model: ServedModel) => Partial<Estimate>);
  readonly breaker?: BreakerStanding['kind'];
  /** Of one whose breaker is not closed. */
  readonly leftOut?: LeftOut;
  readonly hasSession?: boolean;
  readonly verdict?: SpendingVerdict;
  readonly prepaidUsd?: number;
}

/** An upstream that has `qwen` and begins at once, but for what is said. `ttftMs` is the sum of its parts. */
export function option(route: UpstreamRoute, id: string, change: OptionChange = {}): RouteOption {
  const {
    expected = {},
    breaker = 'closed',
    leftOut = { cause: 'failing', forMs: breaker === 'open' ? 5_000 : 0, nextTryAt: '2026-01-01T00:00:05.000Z' },
    hasSession = false,
    verdict = { allowed: true },
    prepaidUsd,
    ...described
  } = change;
  return {
    upstream: {
      id,
      route,
      dialects: ['openai'],
      operations: ['chat', 'completion', 'embedding'],
      ready: true,
      sentence: 'Ready.',
      models: [model('qwen')],
      defaultModel: 'qwen',
      slots: 2,
      ...described,
    },
    breaker: breaker === 'closed' ? { kind: 'closed' } : { kind: breaker, leftOut },
    hasSession,
    ...(prepaidUsd === undefined ? {} : { prepaidUsd }),
    estimate: (asked) => {
      const parts = {
        waitMs: 0,
        loadMs: 0,
        prefillMs: 100,
        serviceMs: 1_000,
        promptTokens: 1_000,
        cachedTokens: 0,
        lostCacheTokens: 0,
        worstUsd: route === 'cloud' ? 0.01 : 0,
        ...(typeof expected === 'function' ? expected(asked) : expected),
      };
      return { ...parts, ttftMs: parts.waitMs + parts.loadMs + parts.prefillMs };
    },
    spending: () => verdict,
  };
}

export function ask(change: Partial<RouteAsk> = {}): RouteAsk {
  return {
    operation: 'chat',
    dialect: 'openai',
    target: { kind: 'policy', policy: 'ranch/auto' },
    needs: ['chat'],
    priority: 'normal',
    ceiling: 'cloud',
    maxCostUsd: null,
    promptTokens: 1_000,
    maxTokens: null,
    hops: [],
    allowedModels: null,
    ...change,
  };
}

export function naming(name: string, change: Partial<RouteAsk> = {}): RouteAsk {
  return ask({ target: { kind: 'model', name }, ...change });
}

export function context(change: Partial<RouteContext> = {}): RouteContext {
  return { nodeId: 'here', goalMs: 2_000, offload: 'auto', mostWaitMs: 60_000, seed: 'one', ...change };
}

/** `upstream model reason`, with a `?` before those that wait for a failure; or the refusal's reason and code. */
export function told(plan: RoutePlan): string[] {
  if (plan.kind === 'refused') return [`refused ${plan.reason} ${plan.error.code}`];
  return plan.candidates.map(
    ({ upstream, model: { id }, reason, afterFailure }) =>
      `${afterFailure === true ? '? ' : ''}${upstream.id} ${id} ${reason}`,
  );
}

/** `upstream code` of each that may not answer. */
export function against(plan: RoutePlan): string[] {
  return plan.rejected.map(({ upstream, code }) => `${upstream.id} ${code}`);
}
