import { describe, expect, it } from 'vitest';
import { Announcer } from '../../../electron/agent/base/announcer.ts';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { History } from '../../../electron/agent/telemetry/history.ts';
import { Publisher, type Publication } from '../../../electron/agent/telemetry/publisher.ts';
import type { SystemSample } from '../../../electron/agent/telemetry/sampler.ts';
import type { Sections } from '../../../electron/agent/telemetry/snapshot.ts';
import {
  applyChange,
  changeEventSchema,
  snapshotEventSchema,
  type ChangeEvent,
} from '../../../electron/contract/events.ts';
import { gateway, sample, sections } from './node-parts.ts';

class Rig {
  readonly clock: ManualClock;
  readonly samples = new Announcer<SystemSample>();
  readonly heard: ChangeEvent[] = [];
  readonly publisher: Publisher;
  sections: Sections = sections;
  assembled = 0;

  constructor(startMs?: number) {
    this.clock = new ManualClock(startMs);
    this.publisher = new Publisher(
      { gatherMs: 50, spacingMs: 200, resumeCapacity: 5 },
      {
        clock: this.clock,
        assembler: {
          assemble: () => {
            this.assembled += 1;
            return this.sections;
          },
        },
        history: new History({ intervalMs: 1_000, capacity: 3 }),
        sampler: this.samples,
        gateway: () => gateway,
      },
    );
  }

  async start(): Promise<this> {
    await this.publisher.start();
    return this;
  }

  listen(): () => void {
    return this.publisher.subscribe((publication) => this.heard.push(read(publication)));
  }

  /** One beat of the sampler, a second after the last. */
  beat(cpuPercent: number): void {
    this.clock.advance(1_000);
    this.sections = { ...this.sections, system: { ...this.sections.system, cpuPercent } };
    this.samples.announce({ ...sample, at: this.clock.now(), cpuPercent });
  }

  say(sentence: string): void {
    this.sections = { ...this.sections, node: { ...this.sections.node, sentence } };
    this.publisher.touch();
  }
}

function read(publication: Publication): ChangeEvent {
  const event = changeEventSchema.strict().parse(JSON.parse(publication.text));
  expect(event.seq).toBe(publication.seq);
  return event;
}

describe('the publisher', () => {
  it('publishes every beat, with only what differs and one point of history', async () => {
    const rig = await new Rig().start();
    rig.publisher.current();
    rig.listen();
    rig.beat(30);
    rig.beat(40);
    expect(rig.heard.map(({ set }) => Object.keys(set))).toEqual([['system'], ['system']]);
    expect(rig.heard.map(({ append }) => append.map(({ cpuPercent }) => cpuPercent))).toEqual([[30], [40]]);
  });

  it('gathers announcements for a moment and tells the last value', async () => {
    const rig = await new Rig().start();
    rig.publisher.current();
    rig.listen();
    rig.clock.advance(1_000);
    for (const word of ['one', 'two', 'three']) rig.say(word);
    rig.clock.advance(49);
    expect(rig.heard).toEqual([]);
    rig.clock.advance(1);
    expect(rig.heard.map(({ set }) => set.node?.sentence)).toEqual(['three']);
  });

  it('does not publish more often than its spacing, however much is announced', async () => {
    const rig = await new Rig().start();
    rig.publisher.current();
    rig.listen();
    for (let step = 0; step < 1_000; step += 1) {
      rig.say(`${step}`);
      rig.clock.advance(1);
    }
    expect(rig.heard.length).toBeGreaterThanOrEqual(4);
    expect(rig.heard.length).toBeLessThanOrEqual(5);
  });

  it('publishes nothing when an announcement turns out to change nothing', async () => {
    const rig = await new Rig().start();
    rig.publisher.current();
    rig.listen();
    rig.publisher.touch();
    rig.clock.advance(1_000);
    expect(rig.heard).toEqual([]);
  });

  it('a snapshot and all later changes give the later snapshot', async () => {
    const rig = await new Rig().start();
    rig.beat(1);
    const first = snapshotEventSchema.parse(JSON.parse(rig.publisher.current().text));
    rig.listen();
    rig.beat(2);
    rig.say('Serving.');
    rig.beat(3);
    rig.beat(4);
    const replayed = rig.heard.reduce(applyChange, first.snapshot);
    const now = snapshotEventSchema.parse(JSON.parse(rig.publisher.current().text));
    expect(replayed).toEqual(now.snapshot);
    expect(now.seq).toBe(first.seq + rig.heard.length);
    expect(replayed.history.points.map(({ cpuPercent }) => cpuPercent)).toEqual([2, 3, 4]);
  });

  it('a picture that is asked for has what was announced a moment before', async () => {
    const rig = await new Rig().start();
    rig.publisher.current();
    rig.say('Just now.');
    expect(rig.publisher.snapshot().text).toContain('Just now.');
  });

  it('tells a reader that comes back what it missed, or that it missed too much', async () => {
    const rig = await new Rig().start();
    rig.listen();
    const { seq } = rig.publisher.current();
    expect(rig.publisher.since(seq)).toEqual([]);
    for (let beat = 1; beat <= 5; beat += 1) rig.beat(beat);
    expect(
      rig.publisher
        .since(seq)
        ?.map(read)
        .map((event) => event.seq),
    ).toEqual([1, 2, 3, 4, 5].map((n) => seq + n));
    rig.beat(6);
    expect(rig.publisher.since(seq)).toBeNull();
    expect(rig.publisher.since(seq + 1)).toHaveLength(5);
    expect(rig.publisher.since(seq + 99)).toBeNull();
  });

  it('a number of an earlier run is never taken for one of this run', async () => {
    const earlier = await new Rig().start();
    earlier.listen();
    for (let beat = 1; beat <= 5; beat += 1) earlier.beat(beat);
    const { seq } = earlier.publisher.current();
    const rig = await new Rig(earlier.clock.now()).start();
    rig.listen();
    for (let beat = 1; beat <= 5; beat += 1) rig.beat(beat);
    expect(rig.publisher.since(seq)).toBeNull();
  });

  it('assembles nothing while nobody listens, and never resumes across that gap', async () => {
    const rig = await new Rig().start();
    const leave = rig.listen();
    rig.beat(1);
    const { seq } = rig.publisher.current();
    leave();
    for (let beat = 0; beat < 5; beat += 1) rig.beat(beat);
    const { assembled } = rig;
    for (let beat = 0; beat < 50; beat += 1) rig.beat(beat);
    rig.say('Nobody hears this.');
    rig.clock.advance(1_000);
    expect(rig.assembled).toBe(assembled);
    expect(rig.publisher.since(seq)).toBeNull();
    expect(rig.publisher.current().text).toContain('Nobody hears this.');
  });

  it('leaves no timer behind when stopped', async () => {
    const rig = await new Rig().start();
    rig.listen();
    rig.say('x');
    await rig.publisher.stop();
    expect({ waiting: rig.clock.waiting, listeners: rig.samples.size }).toEqual({ waiting: 0, listeners: 0 });
  });
});
