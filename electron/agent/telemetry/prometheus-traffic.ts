import { Counter, Histogram, type Registry } from 'prom-client';
import type { Trace } from '../../contract/trace.ts';
import { BoundedNames } from './prometheus-names.ts';

/** From a small model on a fast machine to a long prompt on a slow one. Seconds. */
const firstTokenBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300];
const durationBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const waitBuckets = [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600];
/** Actual over expected: 1 is right, 2 took twice as long. */
const ratioBuckets = [0.1, 0.25, 0.5, 0.67, 0.8, 0.9, 1.1, 1.25, 1.5, 2, 4, 10];

/** What went through the gateway, counted from its decisions. */
export class TrafficMetrics {
  readonly #models = new BoundedNames();
  readonly #upstreams = new BoundedNames();
  readonly #ttft;
  readonly #duration;
  readonly #queue;
  readonly #estimate;
  readonly #requests;
  readonly #refusals;
  readonly #failures;
  readonly #prompt;
  readonly #cached;
  readonly #completion;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#ttft = new Histogram({
      name: 'ranch_gateway_ttft_seconds',
      help: 'From the arrival of a streamed request to its first token.',
      labelNames: ['route', 'dialect', 'model'] as const,
      buckets: firstTokenBuckets,
      registers,
    });
    this.#duration = new Histogram({
      name: 'ranch_gateway_request_duration_seconds',
      help: 'From the arrival of a request to the end of its answer.',
      labelNames: ['route', 'dialect', 'operation'] as const,
      buckets: durationBuckets,
      registers,
    });
    this.#queue = new Histogram({
      name: 'ranch_gateway_queue_seconds',
      help: 'How long requests that were answered waited for a slot.',
      labelNames: ['route', 'priority'] as const,
      buckets: waitBuckets,
      registers,
    });
    this.#estimate = new Histogram({
      name: 'ranch_gateway_ttft_estimate_ratio',
      help: 'Time to the first token over what the router expected.',
      labelNames: ['route'] as const,
      buckets: ratioBuckets,
      registers,
    });
    this.#requests = new Counter({
      name: 'ranch_gateway_requests_total',
      help: 'Requests that ended, by what came of them.',
      labelNames: ['dialect', 'surface', 'route', 'status', 'reason'] as const,
      registers,
    });
    this.#refusals = new Counter({
      name: 'ranch_gateway_refusals_total',
      help: 'Requests that were sent nowhere, by cause.',
      labelNames: ['cause'] as const,
      registers,
    });
    this.#failures = new Counter({
      name: 'ranch_gateway_attempts_failed_total',
      help: 'Attempts at an upstream that failed, also those after which another one answered.',
      labelNames: ['upstream', 'error'] as const,
      registers,
    });
    this.#prompt = this.#tokens(registry, 'prompt', 'Prompt tokens, as upstreams told them.');
    this.#cached = this.#tokens(registry, 'cached_prompt', 'Prompt tokens that came from a prefix cache.');
    this.#completion = this.#tokens(registry, 'completion', 'Tokens of answers.');
  }

  /** Counts one request that is over; one with a figure that is none is left out. */
  record(trace: Trace): void {
    if (!hasSoundFigures(trace)) return;
    const { route, dialect, operation, surface, reason, state } = trace;
    const model = this.#models.label(trace.model);
    this.#requests.inc({ dialect, surface, route, status: String(trace.status ?? 'none'), reason });
    if (route === 'none' && state === 'failed') this.#refusals.inc({ cause: reason });
    for (const { upstream, outcome, error } of trace.attempts) {
      if (outcome === 'failed')
        this.#failures.inc({ upstream: this.#upstreams.label(upstream), error: error ?? 'none' });
    }
    if (route !== 'none') {
      this.#duration.observe({ route, dialect, operation }, trace.durationMs / 1000);
      this.#queue.observe({ route, priority: trace.priority }, trace.queuedMs / 1000);
      this.#prompt.inc({ route, model }, trace.promptTokens ?? 0);
      this.#cached.inc({ route, model }, trace.cachedTokens ?? 0);
      this.#completion.inc({ route, model }, trace.completionTokens ?? 0);
    }
    if (trace.ttftMs === null) return;
    this.#ttft.observe({ route, dialect, model }, trace.ttftMs / 1000);
    const expectedMs = expectedTtftMs(trace);
    if (expectedMs !== null) this.#estimate.observe({ route }, trace.ttftMs / expectedMs);
  }

  #tokens(registry: Registry, which: string, help: string): Counter<'route' | 'model'> {
    return new Counter({
      name: `ranch_gateway_${which}_tokens_total`,
      help,
      labelNames: ['route', 'model'] as const,
      registers: [registry],
    });
  }
}

function hasSoundFigures(trace: Trace): boolean {
  const { durationMs, queuedMs, ttftMs, promptTokens, cachedTokens, completionTokens } = trace;
  const figures = [durationMs, queuedMs, ttftMs, promptTokens, cachedTokens, completionTokens];
  return figures.every((figure) => figure === null || (Number.isFinite(figure) && figure >= 0));
}

/** What the router expected of the upstream that answered at the first try; null where it expected nothing. */
function expectedTtftMs({ upstream, attempts, candidates }: Trace): number | null {
  if (attempts.length !== 1) return null;
  const planned = candidates.find((each) => each.upstream === upstream && each.verdict === 'planned');
  const expected = planned?.estimate?.ttftMs ?? 0;
  return expected > 0 ? expected : null;
}
