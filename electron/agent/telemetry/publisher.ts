import { Announcer } from '../base/announcer.ts';
import type { Clock } from '../base/clock.ts';
import type { Startable } from '../base/lifecycle.ts';
import { Ring } from '../base/ring.ts';
import type { HistoryPoint, NodeSnapshot } from '../../contract/snapshot.ts';
import { historyPoint, type History } from './history.ts';
import type { SystemSample } from './sampler.ts';
import type { Sections } from './snapshot.ts';

/** One event of the stream, made text once for however many readers. */
export interface Publication {
  readonly seq: number;
  /** A ChangeEvent of the contract, as JSON. */
  readonly text: string;
}

export interface PublisherOptions {
  /** How long announcements of a change are gathered before one publication, milliseconds. */
  readonly gatherMs: number;
  /** Shortest time between two publications, milliseconds. */
  readonly spacingMs: number;
  /** Publications kept for readers that come back. */
  readonly resumeCapacity: number;
}

export const publisherDefaults: PublisherOptions = { gatherMs: 50, spacingMs: 200, resumeCapacity: 120 };

export interface PublisherDeps {
  readonly clock: Clock;
  readonly assembler: { assemble(): Sections };
  readonly history: History;
  /** The beat: one publication each, with one point of history. */
  readonly sampler: { subscribe(listener: (sample: SystemSample) => void): () => void };
  readonly gateway: () => NodeSnapshot['gateway'];
}

const sectionNames = [
  'node',
  'system',
  'engines',
  'models',
  'pulls',
  'switching',
  'installs',
  'gateway',
  'cloud',
  'mesh',
  'activity',
  'notices',
] as const satisfies readonly (keyof Sections)[];

/**
 * One publication, many readers. Publishes with every sample, and soon after {@link touch}; the last value wins, and
 * only sections that differ from the last publication are in it. While nobody has listened for a while nothing is
 * assembled at all.
 */
export class Publisher implements Startable {
  readonly #options: PublisherOptions;
  readonly #deps: PublisherDeps;
  readonly #publications = new Announcer<Publication>();
  readonly #recent: Ring<Publication>;
  /** Each section's JSON as last published. */
  #sections = new Map<(typeof sectionNames)[number], string>();
  #seq: number;
  #lastMs = Number.NEGATIVE_INFINITY;
  #stale = true;
  #pendingPoints: HistoryPoint[] = [];
  #beatsUnheard = 0;
  #cancelTouch: (() => void) | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(options: PublisherOptions, deps: PublisherDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#recent = new Ring(options.resumeCapacity);
    // A later run of the agent starts above every number of this one, so that a reader that comes back with an old
    // number is never mistaken for one that is up to date.
    this.#seq = deps.clock.now();
  }

  start(): Promise<void> {
    this.#unsubscribe ??= this.#deps.sampler.subscribe((sample) => {
      this.#beat(sample);
    });
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#cancelTouch?.();
    this.#cancelTouch = null;
    return Promise.resolve();
  }

  /** Something changed: publish soon. Cheap; may be called as often as one likes. */
  touch(): void {
    this.#stale = true;
    if (this.#cancelTouch || this.#isUnheard()) return;
    const sinceLastMs = this.#deps.clock.monotonic() - this.#lastMs;
    const delayMs = Math.max(this.#options.gatherMs, this.#options.spacingMs - sinceLastMs);
    this.#cancelTouch = this.#deps.clock.after(delayMs, () => {
      this.#publish();
    });
  }

  /** The whole picture as a SnapshotEvent of the contract, JSON, with everything that was announced so far. */
  current(): Publication {
    this.#refresh();
    return { seq: this.#seq, text: `{"type":"snapshot","seq":${this.#seq},"snapshot":${this.#snapshotText()}}` };
  }

  /** The whole picture as a NodeSnapshot of the contract, JSON. */
  snapshot(): Publication {
    this.#refresh();
    return { seq: this.#seq, text: this.#snapshotText() };
  }

  /** Hears every later publication until the result is called. */
  subscribe(listener: (publication: Publication) => void): () => void {
    this.#beatsUnheard = 0;
    return this.#publications.subscribe(listener);
  }

  /** What a reader that has seen `seq` missed, oldest first; null when that is not known any more. */
  since(seq: number): readonly Publication[] | null {
    this.#refresh();
    if (seq === this.#seq) return [];
    const recent = this.#recent.toArray();
    const first = recent[0];
    if (!first || seq < first.seq - 1 || seq > this.#seq) return null;
    return recent.filter((publication) => publication.seq > seq);
  }

  #beat(sample: SystemSample): void {
    const point = historyPoint(sample, this.#deps.gateway());
    this.#deps.history.push(point);
    this.#stale = true;
    if (this.#publications.size > 0) this.#beatsUnheard = 0;
    else this.#beatsUnheard += 1;
    if (this.#isUnheard()) {
      // What nobody heard cannot be resumed from: a number is left out, so that a reader of before gets the whole.
      this.#seq += 1;
      this.#pendingPoints = [];
      this.#recent.clear();
      return;
    }
    this.#pendingPoints.push(point);
    this.#publish();
  }

  #isUnheard(): boolean {
    return this.#publications.size === 0 && this.#beatsUnheard >= this.#options.resumeCapacity;
  }

  #refresh(): void {
    if (this.#stale) this.#publish();
  }

  #publish(): void {
    this.#cancelTouch?.();
    this.#cancelTouch = null;
    this.#stale = false;
    this.#lastMs = this.#deps.clock.monotonic();
    const changed = this.#changedSections();
    const append = this.#pendingPoints;
    this.#pendingPoints = [];
    if (changed.length === 0 && append.length === 0) return;
    this.#seq += 1;
    const set = changed.map(([name, text]) => `"${name}":${text}`).join(',');
    const text = `{"type":"change","seq":${this.#seq},"set":{${set}},"append":${JSON.stringify(append)}}`;
    const publication = { seq: this.#seq, text };
    this.#recent.push(publication);
    this.#publications.announce(publication);
  }

  #changedSections(): [string, string][] {
    const sections = this.#deps.assembler.assemble();
    const changed: [string, string][] = [];
    for (const name of sectionNames) {
      const text = JSON.stringify(sections[name]);
      if (this.#sections.get(name) === text) continue;
      this.#sections.set(name, text);
      changed.push([name, text]);
    }
    return changed;
  }

  #snapshotText(): string {
    const sections = [...this.#sections].map(([name, text]) => `"${name}":${text}`);
    return `{${sections.join(',')},"history":${JSON.stringify(this.#deps.history.toSnapshot())}}`;
  }
}
