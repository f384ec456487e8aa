import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { laneFirst, takeSeat, type Seat } from '../../../../electron/agent/gateway/dispatch/seat.ts';
import { Admission } from '../../../../electron/agent/gateway/load/admission.ts';
import type { PlannedCandidate } from '../../../../electron/agent/gateway/routing/plan.ts';

const signal = new AbortController().signal;
const served = {
  id: 'cow',
  contextLength: 8_192,
  capabilities: ['chat'],
  sizeBytes: 1,
  loaded: true,
  createdAtS: 0,
} as const;

function candidate(id: string, ttftMs: number, more: Partial<PlannedCandidate> = {}): PlannedCandidate {
  const route = id === 'here' ? 'local' : 'peer';
  return {
    upstream: {
      id,
      route,
      dialects: ['openai'],
      operations: ['chat'],
      ready: true,
      sentence: '',
      models: [served],
      defaultModel: null,
      slots: 1,
    },
    model: served,
    reason: 'local-idle',
    sentence: '',
    estimate: {
      waitMs: 0,
      loadMs: 0,
      prefillMs: 500,
      ttftMs,
      serviceMs: 1_000,
      promptTokens: 10,
      cachedTokens: 0,
      lostCacheTokens: 0,
      worstUsd: 0,
    },
    ...more,
  };
}

const spare = (id: string, ttftMs: number): PlannedCandidate => candidate(id, ttftMs, { afterFailure: true });

class Scene {
  readonly clock = new ManualClock();
  readonly admission = new Admission({ queueLimit: 8 }, { clock: this.clock, slots: () => 1 });
  readonly log: string[] = [];

  /** Somebody works there for so long. */
  async occupy(lane: string, serviceMs: number): Promise<() => void> {
    const wish = { lanes: [lane], priority: 'normal', caller: 'other', serviceMs, mostWaitMs: 0 } as const;
    const ticket = await this.admission.enter(signal, wish);
    return () => ticket.release();
  }

  async ask(first: PlannedCandidate, ...others: PlannedCandidate[]): Promise<void> {
    const wish = { priority: 'normal', caller: 'me', mostWaitMs: 60_000, goalMs: 2_000 } as const;
    takeSeat([first, ...others], wish, { admission: this.admission, clock: this.clock, signal }).then(
      (seat: Seat) => this.log.push(`${seat.lane} after ${seat.waitedMs}`),
      (error: unknown) => this.log.push(error instanceof Error ? error.message : String(error)),
    );
    await this.settle();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

describe('takeSeat', () => {
  it('waits here no longer than the goal leaves, then goes to who keeps it, and counts no refusal', async () => {
    const scene = new Scene();
    await scene.occupy('here', 400);
    await scene.ask(candidate('here', 900), spare('peer', 1_000));
    expect(scene.log).toEqual([]);
    await scene.pass(1_499);
    expect(scene.log).toEqual([]);
    await scene.pass(1);
    expect(scene.log).toEqual(['peer after 1500']);
    expect(scene.admission.refused).toBe(0);
  });

  it('goes there at once where the wait would be longer than the goal leaves', async () => {
    const scene = new Scene();
    await scene.occupy('here', 20_000);
    await scene.ask(candidate('here', 900), spare('peer', 1_000));
    expect(scene.log).toEqual(['peer after 0']);
  });

  it('stays in the queue here when the others are taken, as long as it may wait', async () => {
    const scene = new Scene();
    const end = await scene.occupy('here', 400);
    await scene.occupy('peer', 400);
    await scene.ask(candidate('here', 900), spare('peer', 1_000));
    await scene.pass(1_500);
    expect(scene.log).toEqual([]);
    await scene.pass(8_500);
    end();
    await scene.settle();
    expect(scene.log).toEqual(['here after 10000']);
    expect(scene.admission.refused).toBe(0);
  });

  it('does not leave for a place that cannot keep the goal either', async () => {
    const scene = new Scene();
    const end = await scene.occupy('here', 400);
    await scene.ask(candidate('here', 900), spare('peer', 70_000));
    await scene.pass(5_000);
    expect(scene.log).toEqual([]);
    end();
    await scene.settle();
    expect(scene.log).toEqual(['here after 5000']);
  });

  it('takes any place rather than refuse, and counts a refusal once when there is none', async () => {
    const scene = new Scene();
    await scene.occupy('here', 600_000);
    await scene.ask(candidate('here', 600_000), spare('peer', 70_000));
    expect(scene.log).toEqual(['peer after 0']);
    await scene.ask(candidate('here', 600_000), spare('peer', 70_000));
    expect(scene.log[1]).toMatch(/^This node is busy/);
    expect(scene.admission.refusals).toEqual({ 'queue-full': 0, 'wait-too-long': 1, 'waited-out': 0, displaced: 0 });
  });

  it('puts the candidate whose place it has first', () => {
    const [first, second] = [candidate('here', 900), candidate('peer', 900)];
    expect(laneFirst([first, second], 'peer').map(({ upstream }) => upstream.id)).toEqual(['peer', 'here']);
    expect(laneFirst([first, second], 'gone').map(({ upstream }) => upstream.id)).toEqual(['here', 'peer']);
  });
});
