import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { ModelDetails } from '../../inference/upstream.ts';
import { detailsOfLibrary, libraryModel } from './library-model.ts';
import type { LibraryModel } from '../engine.ts';
import type { OllamaApi } from './ollama-api.ts';
import type { PsRow, ShowAnswer, TagRow } from './ollama-wire.ts';

/** What is known of the Ollama at an address. */
export type Presence =
  | { readonly kind: 'unseen' }
  | { readonly kind: 'present'; readonly version: string }
  | { readonly kind: 'gone'; readonly cause: 'nobody' | 'silent' | 'foreign'; readonly seenBefore: boolean };

export interface WatchedModel {
  readonly row: TagRow;
  readonly library: LibraryModel;
  readonly details: ModelDetails;
  /** Null while it is not in memory. */
  readonly loaded: PsRow | null;
}

/** One small request a second shows within two that it is gone, and what is in memory. */
const presentEveryMs = 1_000;
const absentEveryMs = 1_500;
/** The library changes by pulls alone; those of ours ask for a look. */
const libraryEveryMs = 15_000;
/** A busy machine may answer one request late. */
const mostSilences = 2;
const mostAtOnce = 4;

/**
 * Watches the Ollama at one address with as few requests as possible: what is in memory every second, its library now
 * and then, what a model can do once for each of its digests.
 */
export class OllamaWatch {
  /** Announced after every change of what the properties say. */
  readonly changed = new Announcer<void>();
  readonly #api: OllamaApi;
  readonly #clock: Clock;
  /** Whether answers are under way: its silence then says that it works. */
  readonly #isBusy: () => boolean;
  #presence: Presence = { kind: 'unseen' };
  #rows: readonly TagRow[] = [];
  #loaded: readonly PsRow[] = [];
  #models: readonly WatchedModel[] = [];
  readonly #shown = new Map<string, ShowAnswer>();
  #libraryDueMs = 0;
  #silences = 0;
  #running = false;
  #cancelNext: (() => void) | null = null;
  #looking: Promise<void> | null = null;
  #known = '';

  constructor(api: OllamaApi, deps: { clock: Clock; isBusy: () => boolean }) {
    this.#api = api;
    this.#clock = deps.clock;
    this.#isBusy = deps.isBusy;
  }

  get presence(): Presence {
    return this.#presence;
  }

  /** Empty while it is gone. */
  get models(): readonly WatchedModel[] {
    return this.#models;
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    await this.look({ library: true });
  }

  stop(): void {
    this.#running = false;
    this.#cancelNext?.();
    this.#cancelNext = null;
    this.#api.close();
  }

  /** Looks now. `library`: also at what is on disk. Resolves when that is known. */
  async look(options: { readonly library: boolean }): Promise<void> {
    if (options.library) this.#libraryDueMs = 0;
    // A look under way may have passed the library already.
    while (this.#looking) await this.#looking;
    this.#cancelNext?.();
    this.#looking = this.#look().finally(() => {
      this.#looking = null;
      this.#schedule();
    });
    await this.#looking;
  }

  #schedule(): void {
    if (!this.#running) return;
    const delayMs = this.#presence.kind === 'present' ? presentEveryMs : absentEveryMs;
    this.#cancelNext = this.#clock.after(delayMs, () => {
      void this.look({ library: false });
    });
  }

  async #look(): Promise<void> {
    if (this.#presence.kind !== 'present' && !(await this.#identify())) return;
    try {
      const now = this.#clock.monotonic();
      this.#loaded = await this.#api.loaded();
      const unknown = this.#loaded.some((ps) => !this.#rows.some((row) => row.name === ps.name));
      if (now >= this.#libraryDueMs || unknown) {
        this.#rows = await this.#api.tags();
        this.#libraryDueMs = now + libraryEveryMs;
      }
      this.#silences = 0;
      this.#publish();
      await this.#showNew();
    } catch (error) {
      await this.#onFailure(error);
    }
  }

  /** Whether an Ollama answers. */
  async #identify(): Promise<boolean> {
    const answerer = await this.#api.identify();
    if (answerer.kind === 'ollama') {
      this.#presence = { kind: 'present', version: answerer.version };
      this.#libraryDueMs = 0;
      return true;
    }
    const seenBefore = this.#presence.kind === 'gone' && this.#presence.seenBefore;
    this.#presence = { kind: 'gone', cause: answerer.kind, seenBefore };
    this.#publish();
    return false;
  }

  /** A request failed: one answered late is forgiven, anything else is looked into at once. */
  async #onFailure(error: unknown): Promise<void> {
    if (error instanceof AppError && error.code === 'upstream_silent') {
      this.#silences += 1;
      if (this.#silences < mostSilences || this.#isBusy()) return;
      this.#leave('silent');
      return;
    }
    const answerer = await this.#api.identify();
    if (answerer.kind !== 'ollama') this.#leave(answerer.kind);
  }

  #leave(cause: 'nobody' | 'silent' | 'foreign'): void {
    this.#presence = { kind: 'gone', cause, seenBefore: true };
    this.#silences = 0;
    this.#rows = [];
    this.#loaded = [];
    this.#publish();
  }

  /** Asks what new models can do, a few at a time. */
  async #showNew(): Promise<void> {
    const present = new Set(this.#rows.map((row) => row.digest));
    for (const digest of this.#shown.keys()) if (!present.has(digest)) this.#shown.delete(digest);
    const fresh = this.#rows.filter((row) => !this.#shown.has(row.digest));
    if (fresh.length === 0) return;
    const waiting = fresh[Symbol.iterator]();
    const worker = async (): Promise<void> => {
      for (const row of waiting) {
        try {
          this.#shown.set(row.digest, await this.#api.show(row.name));
        } catch (error) {
          // Removed meanwhile, or a model that cannot be read: it is listed with what the library told.
          if (!(error instanceof AppError) || error.code === 'upstream_failed') throw error;
          this.#shown.set(row.digest, { details: row.details });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(mostAtOnce, fresh.length) }, worker));
    this.#publish();
  }

  #publish(): void {
    const known = JSON.stringify([this.#presence, this.#rows, this.#loaded.map(lasting), [...this.#shown.keys()]]);
    if (known === this.#known) return;
    this.#known = known;
    this.#models = this.#rows.map((row) => ({
      row,
      library: libraryModel(row, this.#shown.get(row.digest) ?? null),
      details: detailsOfLibrary(row, this.#shown.get(row.digest) ?? null),
      loaded: this.#loaded.find((ps) => ps.name === row.name) ?? null,
    }));
    this.changed.announce();
  }
}

/** Without the time at which it is unloaded, which moves with every request. */
function lasting({ name, size, context_length }: PsRow): object {
  return { name, size, context_length };
}
