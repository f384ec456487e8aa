import { describe, expect, it } from 'vitest';
import { type ControlEvent } from '../../../../electron/contract/events.ts';
import { EventFeed, retryDelayMs, type Connection } from '../../../../renderer/client/event-feed.ts';
import { fakeSnapshot } from '../../../fakes/fake-snapshot.ts';
import { OpenAnswer } from '../fake-answers.ts';
import { ManualTimers, settled } from '../manual-timers.ts';

const snapshotText = (seq: number): string =>
  `id: ${seq}\ndata: ${JSON.stringify({ type: 'snapshot', seq, snapshot: fakeSnapshot(0) })}\n\n`;
const changeText = (seq: number): string =>
  `id: ${seq}\ndata: ${JSON.stringify({ type: 'change', seq, set: {}, append: [] })}\n\n`;

type Reply = 'open' | 'refused' | number;

/** A feed on time that stands still, with an agent that replies as told; "open" when nothing more was told. */
function setUp(...replies: Reply[]) {
  const timers = new ManualTimers();
  const answers: OpenAnswer[] = [];
  const phases: Connection[] = [];
  const events: ControlEvent[] = [];
  const asked: (string | null)[] = [];
  const feed = new EventFeed({
    timers,
    random: () => 0.5,
    onEvent: (event) => events.push(event),
    onConnection: (connection) => phases.push(connection),
    fetch: (_path, init) => {
      asked.push(new Headers(init.headers).get('last-event-id'));
      const reply = replies.shift() ?? 'open';
      if (reply === 'refused') return Promise.reject(new TypeError('Failed to fetch'));
      const answer = new OpenAnswer({ status: reply === 'open' ? 200 : reply, signal: init.signal ?? null });
      answers.push(answer);
      return Promise.resolve(answer.response);
    },
  });
  const answer = (index: number): OpenAnswer => {
    const one = answers[index];
    if (one === undefined) throw new Error(`connection ${index} was never opened`);
    return one;
  };
  return { timers, feed, phases, events, asked, answers, answer, last: () => phases.at(-1) };
}

describe('EventFeed', () => {
  it('is live with the first snapshot, not with the open connection', async () => {
    const { feed, answer, events, last } = setUp();
    feed.start();
    await settled();
    expect(last()).toBeUndefined();
    answer(0).write(snapshotText(7) + changeText(8));
    await settled();
    expect(last()?.phase).toBe('live');
    expect(events.map(({ seq }) => seq)).toEqual([7, 8]);
  });

  it('comes back with a growing delay, keeps the time of the loss, and begins with a whole snapshot', async () => {
    const { feed, timers, answer, answers, phases, last, asked } = setUp('open', 'refused', 'refused', 'open');
    feed.start();
    await settled();
    answer(0).write(snapshotText(1));
    await settled();
    timers.advance(5_000);
    answer(0).end();
    await settled();
    const lostAt = timers.now();
    expect(last()).toMatchObject({ phase: 'lost', since: lostAt, nextTryAt: lostAt + 400 });
    timers.advance(400);
    await settled();
    expect(last()).toMatchObject({ phase: 'lost', since: lostAt, nextTryAt: lostAt + 400 + 800 });
    timers.advance(800);
    await settled();
    expect(last()).toMatchObject({ since: lostAt, nextTryAt: lostAt + 400 + 800 + 1600 });
    timers.advance(1600);
    await settled();
    answer(1).write(snapshotText(1));
    await settled();
    expect(last()?.phase).toBe('live');
    expect(asked).toEqual([null, null, null, null]);
    expect(answers).toHaveLength(2);
    expect(phases.map(({ phase }) => phase)).toEqual(['live', 'lost', 'lost', 'lost', 'live']);
  });

  it('starts over when a number is missing', async () => {
    const { feed, answer, events, last } = setUp();
    feed.start();
    await settled();
    answer(0).write(snapshotText(1) + changeText(3));
    await settled();
    expect(last()).toMatchObject({ phase: 'lost' });
    expect(events.map(({ seq }) => seq)).toEqual([1]);
    expect(answer(0).cancelled).toBe(true);
  });

  it.each(['data: {"type":"change"}\n\n', 'data: nonsense\n\n', changeText(1)])(
    'refuses what it cannot read: %j',
    async (text) => {
      const { feed, answer, events, last } = setUp();
      feed.start();
      await settled();
      answer(0).write(text);
      await settled();
      expect(last()?.phase).toBe('lost');
      expect(events).toEqual([]);
    },
  );

  it('gives up a silent connection, and a heartbeat keeps one', async () => {
    const { feed, timers, answer, last } = setUp();
    feed.start();
    await settled();
    answer(0).write(snapshotText(1));
    await settled();
    timers.advance(14_000);
    answer(0).write(':\n\n');
    await settled();
    timers.advance(14_000);
    await settled();
    expect(last()?.phase).toBe('live');
    timers.advance(1_000);
    await settled();
    expect(last()).toMatchObject({ phase: 'lost', reason: 'The agent does not answer.' });
    expect(answer(0).cancelled).toBe(true);
  });

  it('stops at 401 until the reader asks again', async () => {
    const { feed, timers, answers, last } = setUp(401, 'open');
    feed.start();
    await settled();
    expect(last()).toEqual({ phase: 'signed-out' });
    expect(timers.pending).toBe(0);
    timers.advance(60_000);
    await settled();
    expect(answers).toHaveLength(1);
    feed.retryNow();
    await settled();
    expect(answers).toHaveLength(2);
  });

  it('a retry by hand does not open a second connection', async () => {
    const { feed, timers, answers, answer } = setUp('refused', 'open');
    feed.start();
    await settled();
    feed.retryNow();
    feed.retryNow();
    await settled();
    answer(0).write(snapshotText(1));
    await settled();
    feed.retryNow();
    timers.advance(14_000);
    await settled();
    expect(answers).toHaveLength(1);
  });

  it('another status is named', async () => {
    const { feed, last } = setUp(503);
    feed.start();
    await settled();
    expect(last()).toMatchObject({ phase: 'lost', reason: 'The agent answered with status 503.' });
  });

  it('stop leaves nothing behind', async () => {
    const { feed, timers, answer, phases } = setUp();
    feed.start();
    await settled();
    feed.stop();
    await settled();
    expect(timers.pending).toBe(0);
    expect(answer(0).cancelled).toBe(true);
    expect(phases).toEqual([]);
  });
});

describe('retryDelayMs', () => {
  it('doubles up to its bound and is spread', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 500].map((attempt) => retryDelayMs(attempt, 0.5))).toEqual([
      400, 800, 1600, 3200, 6400, 8000, 8000, 8000,
    ]);
    expect(retryDelayMs(0, 0)).toBe(360);
    expect(retryDelayMs(0, 0.999)).toBe(440);
  });
});
