import { describe, expect, it } from 'vitest';
import { type LogLine } from '../../../../electron/contract/control.ts';
import { ControlError } from '../../../../renderer/client/control-http.ts';
import { createCommandsStore } from '../../../../renderer/stores/commands.ts';
import { createConnectionStore, receive } from '../../../../renderer/stores/connection.ts';
import { createEngineLog } from '../../../../renderer/stores/engine-log.ts';
import { createPreferencesStore } from '../../../../renderer/stores/preferences.ts';
import { createQuestion } from '../../../../renderer/stores/question.ts';
import { createTryItStore } from '../../../../renderer/stores/try-it.ts';
import { fakePoint, fakeSnapshot } from '../../../fakes/fake-snapshot.ts';
import { OpenAnswer } from '../fake-answers.ts';
import { ManualTimers, settled } from '../manual-timers.ts';

describe('connection store', () => {
  it('applies changes to the last snapshot and replaces it with a new one', () => {
    const start = createConnectionStore().getState();
    const snapshot = fakeSnapshot(0);
    const first = receive(start, { type: 'snapshot', seq: 4, snapshot }, 100);
    const gateway = { ...snapshot.gateway, inFlight: 9 };
    const second = receive(first, { type: 'change', seq: 5, set: { gateway }, append: [fakePoint(1, 1)] }, 200);
    expect(second).toMatchObject({ seq: 5, receivedAt: 200, snapshot: { gateway: { inFlight: 9 } } });
    expect(second.snapshot?.history.points).toHaveLength(snapshot.history.capacity);
    expect(first.snapshot?.gateway.inFlight).toBe(2);
    expect(receive(second, { type: 'snapshot', seq: 1, snapshot }, 300)).toMatchObject({ seq: 1, snapshot });
  });

  it('a change before any snapshot changes nothing', () => {
    const start = createConnectionStore().getState();
    expect(receive(start, { type: 'change', seq: 5, set: {}, append: [] }, 1)).toBe(start);
  });
});

describe('preferences', () => {
  it('last in the browser, and unknown ones are the default', () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    createPreferencesStore(storage).getState().setTheme('dark');
    expect(createPreferencesStore(storage).getState().theme).toBe('dark');
    for (const key of kept.keys()) kept.set(key, 'purple');
    expect(createPreferencesStore(storage).getState().theme).toBe('system');
  });

  it('a switch that was dismissed stays so after a reload', () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    expect(createPreferencesStore(storage).getState().dismissedSwitch).toBeNull();
    createPreferencesStore(storage).getState().dismissSwitch('s-7');
    expect(createPreferencesStore(storage).getState().dismissedSwitch).toBe('s-7');
  });

  it('hold for the page where the browser refuses storage', () => {
    const refuse = (): never => {
      throw new DOMException('denied', 'SecurityError');
    };
    const store = createPreferencesStore({ getItem: refuse, setItem: refuse });
    store.getState().setTheme('light');
    expect(store.getState().theme).toBe('light');
  });
});

describe('commands', () => {
  it('are sent once while the answer is out, and leave nothing when taken', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const sent: unknown[] = [];
    const store = createCommandsStore({
      http: {
        command: async (name, body) => {
          sent.push([name, body]);
          await promise;
          return { ok: true };
        },
      },
    });
    const first = store.getState().send('k', 'engines.stop', { id: 'e' });
    void store.getState().send('k', 'engines.stop', { id: 'e' });
    expect(store.getState().sent['k']).toEqual({ state: 'sending' });
    resolve(undefined);
    expect(await first).toEqual({ ok: true });
    expect(sent).toEqual([['engines.stop', { id: 'e' }]]);
    expect(store.getState().sent).toEqual({});
  });

  it('keep the reason of a refusal until it is dismissed', async () => {
    const refuse = (): Promise<never> =>
      Promise.reject(new ControlError('Stop it first.', { status: 409, code: 'conflict' }));
    const store = createCommandsStore({ http: { command: refuse } });
    expect(await store.getState().send('k', 'engines.start', {})).toBeNull();
    expect(store.getState().sent['k']).toEqual({ state: 'refused', message: 'Stop it first.' });
    store.getState().dismiss('k');
    expect(store.getState().sent).toEqual({});
  });
});

describe('a question', () => {
  const answer = { goal: 0.99, outages: [] };
  const setUp = () => {
    const asked: { signal: AbortSignal; resolve: (value: typeof answer) => void; reject: (error: unknown) => void }[] =
      [];
    const query = async (_name: string, _params: unknown, signal: AbortSignal): Promise<never> => {
      const { promise, resolve, reject } = Promise.withResolvers<never>();
      asked.push({ signal, resolve: (value) => resolve(value as never), reject });
      return promise;
    };
    return { asked, question: createQuestion('availability', {}, { http: { query } }) };
  };

  it('keeps its answer while it is asked again, and the newest answer wins', async () => {
    const { asked, question } = setUp();
    question.ask();
    expect(question.store.getState()).toEqual({ answer: null, asking: true, failure: null });
    asked[0]?.resolve(answer);
    await settled();
    expect(question.store.getState()).toEqual({ answer, asking: false, failure: null });
    question.ask();
    expect(question.store.getState()).toEqual({ answer, asking: true, failure: null });
    question.ask();
    expect(asked[1]?.signal.aborted).toBe(true);
    asked[1]?.resolve({ ...answer, goal: 0.5 });
    await settled();
    expect(question.store.getState().answer).toEqual(answer);
    asked[2]?.resolve({ ...answer, goal: 0.9 });
    await settled();
    expect(question.store.getState().answer?.goal).toBe(0.9);
  });

  it('says why there is no answer, and nothing once it was stopped', async () => {
    const { asked, question } = setUp();
    question.ask();
    asked[0]?.reject(new ControlError('Ask again in a moment.', { status: 503, code: 'unavailable' }));
    await settled();
    expect(question.store.getState()).toEqual({ answer: null, asking: false, failure: 'Ask again in a moment.' });
    question.ask();
    question.stop();
    expect(asked[1]?.signal.aborted).toBe(true);
    asked[1]?.reject(new Error('aborted'));
    await settled();
    expect(question.store.getState().failure).toBeNull();
  });
});

describe('try it', () => {
  const delta = (content: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
  const setUp = () => {
    const timers = new ManualTimers();
    const bodies: Readonly<Record<string, unknown>>[] = [];
    const answers: OpenAnswer[] = [];
    const store = createTryItStore({
      timers,
      http: {
        chat: (body, signal) => {
          bodies.push(body);
          const answer = new OpenAnswer({ signal, headers: { 'x-ranch-trace': 't-1' } });
          answers.push(answer);
          return Promise.resolve(answer.response);
        },
      },
    });
    const answer = (): OpenAnswer => {
      const [one] = answers;
      if (one === undefined) throw new Error('nothing was asked');
      return one;
    };
    return { timers, bodies, answers, answer, store, run: () => store.getState().run };
  };

  it('shows words as they come and ends with the figures', async () => {
    const { timers, bodies, answer, store, run } = setUp();
    store.getState().setPrompt('Hello?');
    const done = store.getState().send('m');
    await settled();
    timers.advance(400);
    answer().write(delta('Good'));
    await settled();
    expect(run()).toMatchObject({ kind: 'running', answer: { text: 'Good', trace: 't-1' } });
    timers.advance(100);
    answer().write(delta(' day') + 'data: {"choices":[],"usage":{"completion_tokens":2}}\n\ndata: [DONE]\n\n');
    answer().end();
    await done;
    expect(run()).toMatchObject({ kind: 'done', answer: { text: 'Good day', completionTokens: 2 } });
    expect(bodies[0]).toMatchObject({ model: 'm', stream: true, messages: [{ role: 'user', content: 'Hello?' }] });
  });

  it('stop hangs up and keeps what came; the next question can be asked', async () => {
    const { answer, answers, store, run } = setUp();
    const done = store.getState().send('m');
    await settled();
    answer().write(delta('Good'));
    await settled();
    store.getState().stop();
    await done;
    expect(run()).toMatchObject({ kind: 'stopped', answer: { text: 'Good' } });
    expect(answer().cancelled).toBe(true);
    void store.getState().send('m');
    await settled();
    expect(answers).toHaveLength(2);
  });

  it('a second question waits for the first answer', async () => {
    const { answers, store } = setUp();
    void store.getState().send('m');
    void store.getState().send('m');
    await settled();
    expect(answers).toHaveLength(1);
  });

  it('an error inside the stream is shown with what came before it', async () => {
    const { answer, store, run } = setUp();
    const done = store.getState().send('m');
    await settled();
    answer().write(`${delta('Good')}data: {"error":{"message":"The engine ended. Try again."}}\n\n`);
    answer().end();
    await done;
    expect(run()).toMatchObject({ kind: 'failed', message: 'The engine ended. Try again.', answer: { text: 'Good' } });
  });

  it('an answer that breaks off is not taken for a whole one', async () => {
    const { answer, store, run } = setUp();
    const done = store.getState().send('m');
    await settled();
    answer().write(delta('Good'));
    answer().end();
    await done;
    expect(run()).toMatchObject({ kind: 'failed', message: 'The answer broke off before its end. Try again.' });
  });

  it('an endless answer is stopped', async () => {
    const { answer, store, run } = setUp();
    const done = store.getState().send('m');
    await settled();
    answer().write(delta('x'.repeat(200_001)));
    await done;
    expect(run()).toMatchObject({ kind: 'failed', message: /longer than this page shows/u });
    expect(answer().cancelled).toBe(true);
  });

  it('a refusal is shown in its own words', async () => {
    const store = createTryItStore({
      timers: new ManualTimers(),
      http: {
        chat: () =>
          Promise.reject(new ControlError('No engine is ready yet.', { status: 503, code: 'engine_not_ready' })),
      },
    });
    await store.getState().send('m');
    expect(store.getState().run).toMatchObject({ kind: 'failed', message: 'No engine is ready yet.' });
  });
});

describe('engine log', () => {
  const line = (text: string): LogLine => ({ at: '', stream: 'stdout', text });
  const setUp = () => {
    const timers = new ManualTimers();
    const calls: { onLines: (lines: LogLine[]) => void; signal: AbortSignal; end: (error?: Error) => void }[] = [];
    const log = createEngineLog('embedded', {
      timers,
      http: {
        followLog: (_engine, onLines, signal) =>
          new Promise((resolve, reject) => {
            const end = (error?: Error): void => (error === undefined ? resolve() : reject(error));
            calls.push({ onLines, signal, end });
          }),
      },
    });
    const call = (index: number): (typeof calls)[number] => {
      const one = calls[index];
      if (one === undefined) throw new Error('the log was not opened');
      return one;
    };
    return {
      timers,
      log,
      call,
      shown: () =>
        log.store
          .getState()
          .blocks.map(({ text }) => text)
          .join(''),
    };
  };

  it('L12 shows lines in bundles and keeps the newest 500', () => {
    const { timers, log, call, shown } = setUp();
    let drawn = 0;
    log.store.subscribe(() => (drawn += 1));
    log.follow();
    drawn = 0;
    for (let second = 0; second < 4; second += 1) {
      for (let index = 0; index < 1000; index += 1) {
        call(0).onLines([line(`${second * 1000 + index}`)]);
        timers.advance(1);
      }
    }
    timers.advance(200);
    expect(drawn).toBeLessThanOrEqual(21);
    const lines = shown().trimEnd().split('\n');
    expect(lines.at(-1)).toBe('3999');
    expect(lines.length).toBeGreaterThanOrEqual(500);
    expect(lines.length).toBeLessThan(1000);
  });

  it('B71 shows the time and the line, without what would move the cursor or reach into the next line', () => {
    const { timers, log, call, shown } = setUp();
    log.follow();
    const at = new Date(2026, 0, 2, 3, 4, 5).toISOString();
    call(0).onLines([{ at, stream: 'stderr', text: '\u001b]0;open \u001b[31mred' }, line('next\u202e')]);
    timers.advance(200);
    expect(shown()).toBe('03:04:05  red\nnext\ufffd\n');
  });

  it('a new start forgets the old connection and its late lines', async () => {
    const { timers, log, call, shown } = setUp();
    log.follow();
    log.follow();
    expect(call(0).signal.aborted).toBe(true);
    call(0).onLines([line('late')]);
    call(1).onLines([line('new')]);
    call(0).end();
    await settled();
    timers.advance(200);
    expect(shown()).toBe('new\n');
    expect(log.store.getState().following).toEqual({ state: 'following' });
  });

  it('says how it ended and shows the last lines at once', async () => {
    const { log, call, shown } = setUp();
    log.follow();
    call(0).onLines([line('bye')]);
    call(0).end(new ControlError('There is no such engine.', { status: 404, code: 'not_found' }));
    await settled();
    expect(shown()).toBe('bye\n');
    expect(log.store.getState().following).toEqual({ state: 'ended', sentence: 'There is no such engine.' });
  });

  it('stop hangs up and leaves no timer', () => {
    const { timers, log, call } = setUp();
    log.follow();
    call(0).onLines([line('x')]);
    log.stop();
    expect(call(0).signal.aborted).toBe(true);
    expect(timers.pending).toBe(0);
  });
});
