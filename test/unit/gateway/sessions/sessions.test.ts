import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import type { ChatQuery, Turn } from '../../../../electron/agent/gateway/dialects/query.ts';
import { Sessions, type RecognisedSession } from '../../../../electron/agent/gateway/sessions/sessions.ts';
import { assistant, chat, system, tool, user } from './chats.ts';

const anonymous = { id: 'anonymous', keyName: null };

function world(capacity = 100): {
  sessions: Sessions;
  clock: ManualClock;
  say: (
    turns: readonly Turn[],
    change?: { caller?: string; header?: string; tools?: ChatQuery['tools'] },
  ) => RecognisedSession;
} {
  const clock = new ManualClock();
  let made = 0;
  const sessions = new Sessions({ capacity }, { clock, makeId: () => `s${(made += 1)}` });
  return {
    sessions,
    clock,
    say: (turns, { caller, header, tools = [] } = {}) => {
      const session = sessions.recognise({
        caller: caller === undefined ? anonymous : { id: caller, keyName: caller },
        headers: header === undefined ? {} : { 'x-session-id': header },
        query: chat(turns, { tools }),
      });
      if (session === null) throw new Error('no session');
      return session;
    },
  };
}

/** A chat of so many questions and answers, and one more question. */
function talk(who: string, rounds: number): Turn[] {
  const turns: Turn[] = [system('s'.repeat(1_000)), user(`I am an agent. ${'u'.repeat(985)}`)];
  for (let round = 1; round <= rounds; round += 1) {
    turns.push(assistant(`${who} answers ${round}`), user(`${who} asks ${round}`));
  }
  return turns;
}

const answer = { upstreamId: 'a', model: 'qwen', promptTokens: 500, cachedTokens: 0, completionTokens: 20 };

describe('Sessions, which requests belong together', () => {
  it('forgets the quietest of many long chats, whatever the number of chats may be', () => {
    const { sessions, say } = world(10_000);
    const long = (who: number): Turn[] => [user(`chat ${who}`), ...Array<Turn>(7_999).fill(assistant('x'))];
    for (let who = 0; who < 60; who += 1) say(long(who)).settle(answer);
    expect(sessions.rows()).toHaveLength(50);
    expect(say(long(59)).id).toBe('s60');
    expect(say(long(0)).id).toBe('s61');
  });

  it('knows a chat that goes on by its turns', () => {
    const { say } = world();
    expect([0, 1, 2, 3].map((rounds) => say(talk('A', rounds)).id)).toEqual(['s1', 's1', 's1', 's1']);
  });

  it('keeps chats apart that begin alike and run side by side', () => {
    const { say } = world();
    const ids = [0, 1, 2, 3].map((rounds) => ['A', 'B', 'C'].map((who) => say(talk(who, rounds)).id));
    // The first request of all three is one and the same.
    expect(ids[0]).toEqual(['s1', 's1', 's1']);
    expect(new Set(ids[1]).size).toBe(3);
    expect(ids.slice(2)).toEqual([ids[1], ids[1]]);
  });

  it('takes an answer asked for again, or a last question changed, for the same chat', () => {
    const { say } = world();
    const turns = talk('A', 3);
    expect(say(turns).id).toBe('s1');
    expect(say(turns).id).toBe('s1');
    expect(say([...turns.slice(0, -1), user('Something else')]).id).toBe('s1');
    expect(say(turns.slice(0, -2)).id).toBe('s1');
  });

  it('keeps keys apart, whatever they say', () => {
    const { say } = world();
    expect(say(talk('A', 1), { caller: 'one' }).id).not.toBe(say(talk('A', 1), { caller: 'two' }).id);
  });

  it('keeps ids that programs send apart, and the several chats under one id too', () => {
    const { say } = world();
    const main = say(talk('A', 2), { header: 'x' }).id;
    expect(say(talk('A', 2), { header: 'y' }).id).not.toBe(main);
    expect(say([user('Give this chat a title')], { header: 'x' }).id).not.toBe(main);
    expect(say(talk('A', 3), { header: 'x' }).id).toBe(main);
  });

  it('forgets the chat that was quiet longest', () => {
    const { say, sessions } = world(2);
    say(talk('A', 1)).settle(answer);
    say(talk('B', 1)).settle(answer);
    say(talk('A', 2)).settle(answer);
    say(talk('C', 1)).settle(answer);
    expect(sessions.rows().map(({ id }) => id)).toEqual(['s3', 's1']);
    expect(say(talk('B', 2)).id).toBe('s4');
  });

  it('has none for a chat without turns', () => {
    const { sessions } = world();
    expect(sessions.recognise({ caller: anonymous, headers: {}, query: chat([]) })).toBeNull();
  });
});

describe('Sessions, what is cached', () => {
  it('F1 expects nothing of a model that came into memory anew, and all again once that has answered', () => {
    const { say, sessions, clock } = world();
    say(talk('A', 0)).settle(answer);
    clock.advance(1_000);
    sessions.forget('b', 'qwen', clock.now());
    sessions.forget('a', 'qwen', clock.now() - 1_001);
    expect(say(talk('A', 1)).cachedTokens('a', 'qwen')).toBe(520);
    sessions.forget('a', 'qwen', clock.now() - 1_000);
    const next = say(talk('A', 1));
    expect([next.cachedTokens('a', 'qwen'), next.lostTokens('b', 'qwen'), next.lastUpstream]).toEqual([0, 0, 'a']);
    next.settle({ ...answer, cachedTokens: 0 });
    expect(say(talk('A', 2)).cachedTokens('a', 'qwen')).toBeGreaterThan(500);
    expect(sessions.brokenCaches()).toEqual([]);
  });

  it('expects the prompt read before and its answer in the cache, where it was answered', () => {
    const { say } = world();
    const first = say(talk('A', 0));
    expect([first.lastUpstream, first.cachedTokens('a', 'qwen')]).toEqual([null, 0]);
    first.settle(answer);
    const next = say(talk('A', 1));
    expect(next.lastUpstream).toBe('a');
    expect(next.cachedTokens('a', 'qwen')).toBe(520);
    expect(next.cachedTokens('b', 'qwen')).toBe(0);
    expect(next.cachedTokens('a', 'llama')).toBe(0);
    expect([next.lostTokens('a', 'qwen'), next.lostTokens('b', 'qwen')]).toEqual([0, 520]);
  });

  it('counts what two prompts have in common only', () => {
    const { say } = world();
    say(talk('A', 1)).settle({ ...answer, promptTokens: 1_000 });
    const changed = say([...talk('A', 1).slice(0, -1), user('no '.repeat(100))]);
    // Of 2,019 characters 2,011 are the same.
    expect(changed.cachedTokens('a', 'qwen')).toBe(996);
  });

  it('expects nothing once the tools are others', () => {
    const { say } = world();
    say(talk('A', 1), { tools: [tool('a')] }).settle(answer);
    expect(say(talk('A', 2), { tools: [tool('a')] }).cachedTokens('a', 'qwen')).toBe(520);
    expect(say(talk('A', 2), { tools: [tool('a'), tool('b')] }).cachedTokens('a', 'qwen')).toBe(0);
  });

  it('reckons by the characters where an upstream does not count', () => {
    const { say } = world();
    say(talk('A', 0)).settle({ ...answer, promptTokens: null, completionTokens: null });
    expect(say(talk('A', 1)).cachedTokens('a', 'qwen')).toBe(500);
  });

  it('believes a cache less that keeps less, and more again when it does', () => {
    const { say } = world();
    const expected: number[] = [];
    for (let round = 0; round < 12; round += 1) {
      const session = say(talk('A', round));
      const cached = session.cachedTokens('a', 'qwen');
      expected.push(cached);
      session.settle({ ...answer, cachedTokens: round >= 1 && round < 6 ? 0 : 520 });
    }
    expect(expected[1]).toBe(520);
    expect(expected[6]).toBeLessThan(150);
    expect(expected[11]).toBeGreaterThan(350);
  });
});

describe('Sessions, what is told', () => {
  it('lists the chats that were answered, the latest first', () => {
    const { say, sessions, clock } = world();
    say(talk('A', 0), { caller: 'k1' }).settle(answer);
    clock.advance(1_000);
    const other = say(talk('B', 1));
    other.settle({ ...answer, cachedTokens: null });
    say([user('Never answered')]);
    clock.advance(1_000);
    say(talk('B', 2)).settle({ ...answer, promptTokens: 700, cachedTokens: 520, upstreamId: 'b' });
    expect(sessions.rows()).toEqual([
      {
        id: 's2',
        key: null,
        upstream: 'b',
        model: 'qwen',
        requests: 2,
        lastAt: '2026-01-01T00:00:02.000Z',
        promptTokens: 1_200,
        cachedTokens: 520,
      },
      {
        id: 's1',
        key: 'k1',
        upstream: 'a',
        model: 'qwen',
        requests: 1,
        lastAt: '2026-01-01T00:00:00.000Z',
        promptTokens: 500,
        cachedTokens: 0,
      },
    ]);
  });

  it('tells of a cache that fails a chat three times in a row, until it holds again', () => {
    const { say, sessions } = world();
    const broken: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      say(talk('A', round)).settle({ ...answer, cachedTokens: round === 5 ? 500 : 3 });
      broken.push(sessions.brokenCaches().length);
    }
    expect(broken).toEqual([0, 0, 0, 1, 1, 0]);
  });

  it('does not call it broken that an engine was started anew: each chat misses once', () => {
    const { say, sessions } = world();
    const agents = ['A', 'B', 'C', 'D', 'E'];
    for (const round of [1, 2, 3]) {
      for (const who of agents) say(talk(who, round)).settle({ ...answer, cachedTokens: round === 2 ? 0 : 520 });
    }
    expect(sessions.brokenCaches()).toEqual([]);
  });
});
