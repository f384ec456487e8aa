import type { MeasuredSpeed, Notice } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { toAppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { AnswerMeasurement } from '../../inference/measurement.ts';
import type { Upstream } from '../../inference/upstream.ts';
import { noEvidence, type CheckedModel, type Evidence } from './evidence.ts';
import { Prober } from './prober.ts';
import { findingsOf, type FindingKind } from './rules.ts';
import { noticeOf } from './serving-notice.ts';

export interface ServingChecksOptions {
  /** False: nothing is asked; what callers' answers show is looked at all the same. */
  readonly enabled: boolean;
  /** How long the engine must have been idle before it is asked. Default: 3 s. */
  readonly quietMs?: number;
  /** How long one request of a check may take before the check is given up. Default: 45 s. */
  readonly patienceMs?: number;
}

export interface ServingChecksDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly upstreamOf: (engineId: string) => Upstream | undefined;
  /** What this node says of the model; null when it is not there any more. */
  readonly modelFacts: (engineId: string, modelId: string) => CheckedModel | null;
  /** What earlier loads of the model measured; read when it is loaded. */
  readonly speedBefore: (engineId: string, modelId: string) => MeasuredSpeed | null;
  /** Whether no caller's request runs on the engine or waits for it. */
  readonly idle: (engineId: string) => boolean;
  /** Announces that requests began or ended: a running probe makes way. */
  readonly activity: { subscribe(listener: () => void): () => void };
}

/** How far a model's check is. */
export interface CheckReport {
  readonly engineId: string;
  readonly modelId: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  /** Why a part was left out, in words; null when none was. */
  readonly skipped: string | null;
  readonly findings: readonly FindingKind[];
}

interface Check {
  readonly engineId: string;
  readonly modelId: string;
  readonly prober: Prober | null;
  state: CheckReport['state'];
  /** How often it had to make way for callers. */
  gaveWay: number;
  evidence: Evidence;
  /** When each finding was first made, ISO 8601. */
  readonly since: Map<FindingKind, string>;
}

const defaultQuietMs = 3_000;
const defaultPatienceMs = 45_000;
const mostAnswers = 8;
/** Answers shorter than this say little about speed. */
const leastTokens = 16;
const mostChecks = 64;
const mostGivingWay = 10;

/**
 * Finds what silently ruins the answers of loaded models: a window shorter than callers are told, a missing or foreign
 * chat template, an output cap, a prompt cache that reuses nothing, a quantization unfit for the task, and a speed far
 * below what it was. Each loaded model gets at most three small requests while nobody else wants its engine; from then
 * on the figures of callers' answers are enough. It never loads or unloads anything.
 */
export class ServingChecks {
  /** Announced when {@link notices} says something else. */
  readonly changed = new Announcer<void>();
  readonly #options: ServingChecksOptions;
  readonly #deps: ServingChecksDeps;
  readonly #checks = new Map<string, Check>();
  #nonce = 0;
  #running: { readonly engineId: string; readonly abort: AbortController } | null = null;
  #cancelTimer: (() => void) | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(options: ServingChecksOptions, deps: ServingChecksDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  start(): Promise<void> {
    this.#unsubscribe ??= this.#deps.activity.subscribe(() => this.#makeWay());
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#running?.abort.abort();
    this.#checks.clear();
    return Promise.resolve();
  }

  /** A model is in memory: it is checked anew, as soon as its engine is idle. */
  onLoaded({ engineId, modelId }: { readonly engineId: string; readonly modelId: string }): void {
    const check = this.#begin(engineId, modelId);
    if (!check) return;
    if (check.prober) this.#schedule();
    this.#announce(check, []);
  }

  /** A caller's answer went well. */
  onMeasured(measurement: AnswerMeasurement): void {
    const { upstreamId, model, operation, completionTokens } = measurement;
    if (operation === 'embedding' || completionTokens === null) return;
    const check = this.#checks.get(keyOf(upstreamId, model));
    if (!check) return;
    const before = this.#findings(check);
    const { promptTokens, maxTokens, finish, tokensPerSecond } = measurement;
    const { ends, speeds } = check.evidence;
    // With others on the engine at the same time it had a part of the speed, which is as it should be.
    const tells = tokensPerSecond !== null && completionTokens >= leastTokens && this.#deps.idle(upstreamId);
    check.evidence = {
      ...check.evidence,
      ends: [...ends, { promptTokens, completionTokens, maxTokens, finish }].slice(-mostAnswers),
      speeds: tells ? [...speeds, tokensPerSecond].slice(-mostAnswers) : speeds,
    };
    this.#announce(check, before);
  }

  /** What is wrong now, each with a way to mend it. */
  notices(): Notice[] {
    return [...this.#checks.values()].flatMap((check) => {
      const model = this.#deps.modelFacts(check.engineId, check.modelId);
      if (!model) return [];
      return findingsOf(model, check.evidence).map((finding) => {
        const since = check.since.get(finding.kind) ?? this.#now();
        check.since.set(finding.kind, since);
        return noticeOf(finding, model, since);
      });
    });
  }

  /** How far each check is, and what was left out of it. */
  reports(): CheckReport[] {
    return [...this.#checks.values()].map((check) => {
      const { long } = check.evidence;
      const skipped = long?.kind === 'skipped' ? `The long prompt was left out: ${long.why}.` : null;
      const { engineId, modelId, state } = check;
      return { engineId, modelId, state, skipped, findings: this.#findings(check) };
    });
  }

  #begin(engineId: string, modelId: string): Check | null {
    const model = this.#deps.modelFacts(engineId, modelId);
    if (!model) return null;
    const key = keyOf(engineId, modelId);
    const asks = this.#options.enabled && model.capabilities.includes('chat');
    this.#nonce += 1;
    const probing = { nonce: this.#nonce, patienceMs: this.#options.patienceMs ?? defaultPatienceMs };
    const check: Check = {
      engineId,
      modelId,
      prober: asks ? new Prober(model, probing, this.#deps) : null,
      state: asks ? 'waiting' : 'done',
      gaveWay: 0,
      evidence: { ...noEvidence, before: this.#deps.speedBefore(engineId, modelId) },
      since: new Map(),
    };
    this.#checks.delete(key);
    this.#checks.set(key, check);
    const [oldest] = this.#checks.keys();
    if (this.#checks.size > mostChecks && oldest !== undefined) this.#checks.delete(oldest);
    return check;
  }

  /** Requests came or ended: whoever sent one shall not wait behind a probe, and the quiet begins anew. */
  #makeWay(): void {
    if (this.#cancelTimer) {
      this.#cancelTimer();
      this.#cancelTimer = null;
      this.#schedule();
    }
    if (this.#running && !this.#deps.idle(this.#running.engineId)) this.#running.abort.abort();
  }

  /** Looks again once it has been quiet for a while. */
  #schedule(): void {
    if (this.#cancelTimer || this.#running) return;
    this.#cancelTimer = this.#deps.clock.after(this.#options.quietMs ?? defaultQuietMs, () => {
      this.#cancelTimer = null;
      void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    const waiting = [...this.#checks.values()].filter(({ state }) => state === 'waiting');
    const check = waiting.find(({ engineId }) => this.#deps.idle(engineId));
    if (check && !this.#running) {
      const abort = new AbortController();
      this.#running = { engineId: check.engineId, abort };
      await this.#run(check, abort.signal);
      this.#running = null;
    }
    if ([...this.#checks.values()].some(({ state }) => state === 'waiting')) this.#schedule();
  }

  /** Sends the probes one after the other until none is left, a caller comes, or the model is gone. */
  async #run(check: Check, signal: AbortSignal): Promise<void> {
    const { engineId, modelId, prober } = check;
    const { logger } = this.#deps;
    if (!prober) return;
    check.state = 'running';
    try {
      let more = true;
      while (more && !signal.aborted) {
        const upstream = this.#deps.upstreamOf(engineId);
        if (!upstream || !isLoaded(upstream, modelId)) {
          this.#checks.delete(keyOf(engineId, modelId));
          return;
        }
        more = await prober.next(upstream, signal);
        const before = this.#findings(check);
        check.evidence = { ...check.evidence, ...prober.probed };
        this.#announce(check, before);
      }
      check.state = more ? this.#later(check) : 'done';
    } catch (error) {
      check.state = signal.aborted ? this.#later(check) : 'failed';
      if (!signal.aborted) {
        logger.warn({ engineId, modelId, code: toAppError(error).code }, 'a loaded model could not be checked');
      }
    }
    if (check.state === 'done') {
      const { long } = check.evidence;
      const skipped = long?.kind === 'skipped' ? long.why : null;
      logger.info(
        { engineId, modelId, findings: this.#findings(check).join(' '), skipped },
        'a loaded model was checked',
      );
    }
  }

  /** A node that is never quiet for long is not asked over and over: callers' answers have to be enough there. */
  #later(check: Check): Check['state'] {
    check.gaveWay += 1;
    return check.gaveWay < mostGivingWay ? 'waiting' : 'failed';
  }

  #findings(check: Check): FindingKind[] {
    const model = this.#deps.modelFacts(check.engineId, check.modelId);
    return model ? findingsOf(model, check.evidence).map(({ kind }) => kind) : [];
  }

  #announce(check: Check, before: readonly FindingKind[]): void {
    const now = this.#findings(check);
    for (const kind of check.since.keys()) if (!now.includes(kind)) check.since.delete(kind);
    for (const kind of now) if (!check.since.has(kind)) check.since.set(kind, this.#now());
    if (now.join() !== before.join()) this.changed.announce();
  }

  #now(): string {
    return new Date(this.#deps.clock.now()).toISOString();
  }
}

function isLoaded(upstream: Upstream, modelId: string): boolean {
  const { ready, models } = upstream.describe();
  return ready && models.some(({ id, loaded }) => id === modelId && loaded);
}

function keyOf(engineId: string, modelId: string): string {
  return `${engineId}\n${modelId}`;
}
