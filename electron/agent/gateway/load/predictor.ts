import type { Estimate } from '../../../contract/trace.ts';
import type { AnswerMeasurement } from '../../inference/measurement.ts';
import type { Operation } from '../../inference/request.ts';
import type { ServedModel, UpstreamDescription } from '../../inference/upstream.ts';
import type { AdmissionAsk, LaneLoad } from './ask.ts';
import { estimate } from './prediction.ts';
import { PromptSizes, type PromptSize } from './prompt-sizes.ts';
import { ModelSpeeds, type ModelSpeedsDeps } from './speeds.ts';

export interface PredictorOptions {
  /** Longest answer of a caller who names no limit, tokens. */
  readonly maxOutputTokens: number;
}

export interface PredictorDeps extends ModelSpeedsDeps {
  /** The admission, or whatever else knows how long a request would wait. */
  readonly admission: {
    predictedWaitMs(ask: Pick<AdmissionAsk, 'lanes' | 'priority' | 'caller'>): number;
    laneLoad(lane: string): LaneLoad;
  };
}

/** A request to be estimated on one upstream. */
export interface EstimateAsk extends Pick<AdmissionAsk, 'priority' | 'caller'> {
  readonly upstream: UpstreamDescription;
  readonly model: ServedModel;
  /** Left out: a chat. */
  readonly operation?: Operation;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Tokens of a cache elsewhere that going here throws away; left out: none. */
  readonly lostCacheTokens?: number;
  readonly maxTokens: number | null;
  /** Dollars at most; left out for what costs nothing. */
  readonly worstUsd?: number;
  /** Dollars that leaving a provider's cache behind costs; left out: none. */
  readonly lostCacheUsd?: number;
  /** It has a place there already, for which it waited so long, milliseconds; left out: it has none. */
  readonly waitedMs?: number;
}

/** Says how long a request would take on each upstream and what it could cost, from what answers before it told. */
export class Predictor {
  readonly #options: PredictorOptions;
  readonly #deps: PredictorDeps;
  readonly #speeds: ModelSpeeds;
  readonly #sizes = new PromptSizes();

  constructor(options: PredictorOptions, deps: PredictorDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#speeds = new ModelSpeeds(deps);
  }

  estimate(ask: EstimateAsk): Estimate {
    const { upstream, model, promptTokens, priority, caller, waitedMs } = ask;
    const { admission } = this.#deps;
    const lane = admission.laneLoad(upstream.id);
    return estimate({
      operation: ask.operation ?? 'chat',
      promptTokens,
      cachedTokens: ask.cachedTokens,
      lostCacheTokens: ask.lostCacheTokens ?? 0,
      maxTokens: ask.maxTokens,
      mostTokens: this.#mostTokens(ask),
      loaded: model.loaded,
      speeds: this.#speeds.of(upstream, model, caller),
      waitMs: waitedMs ?? admission.predictedWaitMs({ lanes: [upstream.id], priority, caller }),
      lane: waitedMs === undefined ? lane : { ...lane, inFlight: lane.inFlight - 1 },
      engine: upstream.load ?? null,
      worstUsd: ask.worstUsd ?? 0,
      lostCacheUsd: ask.lostCacheUsd ?? 0,
    });
  }

  /** Tokens to expect of a prompt, as the model counts them. */
  promptTokens(model: string, size: PromptSize): number {
    return this.#sizes.tokens(model, size);
  }

  /** Learns from a good answer; `size` is that of its prompt, `caller` who asked, as far as that is told. */
  observe(measurement: AnswerMeasurement, size: PromptSize | null = null, caller: string | null = null): void {
    this.#speeds.observe(measurement, caller);
    const { promptTokens, model } = measurement;
    if (size !== null && promptTokens !== null) this.#sizes.observe(model, size, promptTokens);
  }

  /** A model was loaded in so long. */
  observeLoad(upstreamId: string, model: string, loadMs: number): void {
    this.#speeds.observeLoad(upstreamId, model, loadMs);
  }

  /** A provider that gets the request as it came is told no limit: only the context ends the answer there. */
  #mostTokens({ upstream, model, promptTokens }: EstimateAsk): number {
    const room =
      model.contextLength === null ? Number.POSITIVE_INFINITY : Math.max(1, model.contextLength - promptTokens);
    const limit = upstream.takesReceived === true && Number.isFinite(room) ? room : this.#options.maxOutputTokens;
    return Math.min(room, limit);
  }
}
