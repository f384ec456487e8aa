import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { Admission } from '../../../electron/agent/gateway/load/admission.ts';
import type { Lanes } from '../../../electron/agent/gateway/load/ask.ts';
import { NodeLoad } from '../../../electron/agent/gateway/node-load.ts';
import type { Upstream, UpstreamDescription } from '../../../electron/agent/inference/upstream.ts';

const engine: UpstreamDescription = {
  id: 'engine',
  route: 'local',
  dialects: ['openai'],
  operations: ['chat'],
  ready: true,
  sentence: 'Ready.',
  models: [],
  defaultModel: null,
  slots: 2,
};
const attic: UpstreamDescription = { ...engine, id: 'attic', route: 'peer', slots: 4 };
const calm = { saturation: 0, level: 'calm', cause: '' };

function site(...described: readonly UpstreamDescription[]) {
  const clock = new ManualClock();
  const upstreams = described.map((each): Upstream => ({
    describe: () => each,
    generate: () => Promise.reject(new Error('nothing is sent here')),
  }));
  const admission: Admission = new Admission({ queueLimit: 64 }, { clock, slots: (lane) => load.slotsOf(lane) });
  const load: NodeLoad = new NodeLoad(
    { slots: {}, goalMs: 60_000 },
    { upstreams: () => upstreams, admission, pressure: () => null },
  );
  /** So many requests for one of the lanes; those beyond its slots wait. */
  const ask = (times: number, ...lanes: Lanes): void => {
    for (let time = 0; time < times; time += 1) {
      const wanted = { lanes, priority: 'normal', caller: 'x', serviceMs: 1_000, mostWaitMs: 600_000 } as const;
      void admission.enter(new AbortController().signal, wanted);
    }
  };
  return { ask, load, admission };
}

describe('NodeLoad', () => {
  it('requests that a peer answers, or that wait for it, fill no slot of this machine', () => {
    const { ask, load, admission } = site(engine, attic);
    ask(5, 'attic');
    expect([admission.inFlight, admission.queued]).toEqual([4, 1]);
    expect(load.saturation()).toEqual(calm);
    ask(1, 'engine');
    expect(load.saturation()).toEqual({ saturation: 0.5, level: 'busy', cause: '1 of 2 slots in use' });
    expect([admission.inFlight, load.inFlight()]).toEqual([5, 1]);
  });

  it('a node without an engine of its own is calm while others answer for it', () => {
    const { ask, load } = site(attic);
    ask(5, 'attic');
    expect(load.saturation()).toEqual(calm);
  });

  it('one that waits for either of two engines waits once', () => {
    const { ask, load } = site(engine, { ...engine, id: 'other', slots: 1 }, attic);
    ask(2, 'engine', 'other');
    ask(2, 'other', 'engine');
    ask(6, 'attic');
    expect(load.saturation()).toMatchObject({ saturation: 1, level: 'saturated' });
    expect(load.saturation().cause).toMatch(/^1 request waits for 3 slots; the next would wait \d+ s$/);
  });

  it('those that an engine on its way up has taken wait for it', () => {
    const { ask, load } = site({ ...engine, ready: false }, attic);
    ask(1, 'engine');
    ask(3, 'attic');
    expect(load.saturation()).toEqual({
      saturation: 1,
      level: 'busy',
      cause: '1 request waits for an engine to come up',
    });
  });

  it('an engine that works for other programs is not hidden by requests that went elsewhere', () => {
    const { ask, load } = site({ ...engine, load: { deferred: 0, busy: 2 } }, attic);
    ask(4, 'attic');
    expect(load.saturation()).toMatchObject({ level: 'busy', cause: '2 of 2 slots in use, 2 by other programs' });
  });
});
