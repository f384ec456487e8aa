import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { ProgressWatch } from '../../../../electron/agent/engines/supervisor/progress-watch.ts';
import type { InferenceRequest } from '../../../../electron/agent/inference/request.ts';
import type { Upstream, UpstreamDescription } from '../../../../electron/agent/inference/upstream.ts';
import type { WireBody, WireResponse, WireSink } from '../../../../electron/agent/inference/wire-response.ts';

const bytes = Buffer.from('data: {}\n\n');

/** An answer under way, in the test's hand. */
class Answer implements WireBody {
  readonly framing = { kind: 'chunked' } as const;
  readonly head = Promise.withResolvers<WireResponse>();
  sink: WireSink | null = null;
  resumed = 0;
  destroyed = 0;

  pipe(sink: WireSink): void {
    this.sink = sink;
  }
  resume(): void {
    this.resumed += 1;
  }
  destroy(): void {
    this.destroyed += 1;
  }
  /** Sends the head. */
  begin(): void {
    this.head.resolve({ status: 200, headers: new Map(), body: this });
  }
  piece(): boolean {
    this.sink?.payload(bytes, 0, bytes.length);
    return this.sink?.raw(bytes) ?? true;
  }
}

const description = { id: 'engine' } as UpstreamDescription;

function rig(options: { progressOf?: () => Promise<number | null> } = {}) {
  const clock = new ManualClock();
  const answers: Answer[] = [];
  const upstream: Upstream = {
    describe: () => description,
    generate: () => {
      const answer = new Answer();
      answers.push(answer);
      return answer.head.promise;
    },
  };
  const reasons: string[] = [];
  const watch = new ProgressWatch({}, { clock, onWedged: (reason) => reasons.push(reason), ...options });
  const watched = watch.watch(upstream);
  const got: { raw: number; payload: number; ended: number; failed: number; goOn: boolean } = {
    raw: 0,
    payload: 0,
    ended: 0,
    failed: 0,
    goOn: true,
  };
  const sink: WireSink = {
    raw: () => {
      got.raw += 1;
      return got.goOn;
    },
    payload: () => void (got.payload += 1),
    end: () => void (got.ended += 1),
    fail: () => void (got.failed += 1),
  };
  /** Sends a request; its head comes at once unless it is said to be late. */
  async function ask(
    form: boolean | 'gathered',
    head: 'head' | 'late' = 'head',
  ): Promise<{ answer: Answer; body: WireBody | null }> {
    const request: InferenceRequest = {
      trace: 't',
      operation: 'chat',
      model: 'm',
      stream: form !== false,
      ...(form === 'gathered' ? { gathered: true } : {}),
      dialect: 'openai',
      body: Buffer.from('{}'),
    };
    const response = watched.generate(request, new AbortController().signal);
    const answer = answers.at(-1);
    if (!answer) throw new Error('nothing was asked');
    if (head === 'late') {
      response.catch(() => undefined);
      return { answer, body: null };
    }
    answer.begin();
    const { body } = await response;
    body.pipe(sink);
    return { answer, body };
  }
  return { clock, watch, watched, reasons, got, ask };
}

/** Moves time in steps, letting questions to the engine be answered in between. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5_000) {
    clock.advance(Math.min(5_000, ms - passed));
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }
}

describe('ProgressWatch', () => {
  it('passes everything on untouched and has no timer while nothing is under way', async () => {
    const { clock, watched, got, ask, reasons } = rig();
    expect(watched.describe()).toBe(description);
    expect(clock.waiting).toBe(0);
    const { answer, body } = await ask(true);
    expect(clock.waiting).toBe(1);
    answer.piece();
    body?.resume();
    answer.sink?.end();
    expect(got).toMatchObject({ raw: 1, payload: 1, ended: 1 });
    expect(answer.resumed).toBe(1);
    expect(clock.waiting).toBe(0);
    await pass(clock, 1e6);
    expect(reasons).toEqual([]);
  });

  it('F3 wedged mid-stream: judged after the deadline, once', async () => {
    const { clock, reasons, ask } = rig();
    const { answer } = await ask(true);
    for (let piece = 0; piece < 30; piece += 1) {
      answer.piece();
      await pass(clock, 20_000);
    }
    expect(reasons).toEqual([]);
    await pass(clock, 140_000);
    expect(reasons).toEqual(['made no progress for 120 s']);
    await pass(clock, 1e6);
    expect(reasons).toHaveLength(1);
    expect(clock.waiting).toBe(0);
  });

  it('F3 wedged before the first byte', async () => {
    const { clock, reasons, ask } = rig();
    await ask(true, 'late');
    await pass(clock, 150_000);
    expect(reasons).toEqual([]);
    await pass(clock, 5_000);
    expect(reasons).toEqual(['made no progress for 155 s']);
  });

  it('F4 health is silent during a long prompt, inside its deadline: not killed', async () => {
    const { clock, reasons, ask } = rig({ progressOf: () => Promise.reject(new Error('no answer')) });
    const { answer } = await ask(true);
    await pass(clock, 150_000);
    expect(reasons).toEqual([]);
    answer.piece();
    answer.sink?.end();
    await pass(clock, 1e6);
    expect(reasons).toEqual([]);
  });

  it('F4 an engine that tells of its prompt is given all the time it takes', async () => {
    let read = 0;
    const { clock, reasons, ask } = rig({ progressOf: () => Promise.resolve((read += 64)) });
    await ask(true);
    await pass(clock, 3_600_000);
    expect(reasons).toEqual([]);
  });

  it('F3 an engine that answers and tells the same number for ever is wedged', async () => {
    const { clock, reasons, ask } = rig({ progressOf: () => Promise.resolve(7) });
    await ask(false, 'late');
    await pass(clock, 150_000);
    expect(reasons).toEqual([]);
    await pass(clock, 10_000);
    expect(reasons).toHaveLength(1);
  });

  it('F14 an answer of 12 min that comes as a whole is delivered', async () => {
    const { clock, reasons, got, ask } = rig({ progressOf: () => Promise.resolve(null) });
    const asking = ask(false);
    await pass(clock, 12 * 60_000);
    const { answer } = await asking;
    answer.piece();
    answer.sink?.end();
    expect(got).toMatchObject({ raw: 1, ended: 1 });
    expect(reasons).toEqual([]);
  });

  it('F14 an answer that is streamed only to be given whole may be as silent as one that is not', async () => {
    const { clock, reasons, got, ask } = rig({ progressOf: () => Promise.resolve(null) });
    const { answer } = await ask('gathered');
    answer.piece();
    await pass(clock, 12 * 60_000);
    answer.piece();
    answer.sink?.end();
    expect(got).toMatchObject({ raw: 2, ended: 1 });
    expect(reasons).toEqual([]);
  });

  it('F3 one of those that makes no progress is wedged all the same', async () => {
    const { clock, reasons, ask } = rig({ progressOf: () => Promise.resolve(7) });
    const { answer } = await ask('gathered');
    answer.piece();
    await pass(clock, 200_000);
    expect(reasons).toHaveLength(1);
  });

  it('a reader that takes nothing is not the engine’s fault', async () => {
    const { clock, reasons, got, ask } = rig();
    const { answer, body } = await ask(true);
    got.goOn = false;
    answer.piece();
    await pass(clock, 1e6);
    expect(reasons).toEqual([]);
    got.goOn = true;
    body?.resume();
    answer.piece();
    await pass(clock, 130_000);
    expect(reasons).toHaveLength(1);
  });

  it('callers who give up one after another prove it in the end; an answer in between clears it', async () => {
    const { clock, reasons, ask } = rig();
    const giveUp = async (): Promise<void> => {
      const { answer } = await ask(true, 'late');
      await pass(clock, 60_000);
      answer.head.reject(new AppError('caller_gone', 'The request was given up.'));
      await pass(clock, 5_000);
    };
    for (let caller = 0; caller < 7; caller += 1) await giveUp();
    expect(reasons).toEqual([]);
    const { answer } = await ask(true);
    answer.piece();
    answer.sink?.end();
    for (let caller = 0; caller < 7; caller += 1) await giveUp();
    expect(reasons).toEqual([]);
    await giveUp();
    expect(reasons).toHaveLength(1);
  });

  it('every end of a request ends its watching', async () => {
    const { clock, got, ask } = rig();
    const failed = await ask(true);
    failed.answer.sink?.fail(new AppError('upstream_failed', 'It broke.'), false);
    expect(got.failed).toBe(1);
    const destroyed = await ask(true);
    destroyed.body?.destroy();
    expect(destroyed.answer.destroyed).toBe(1);
    expect(clock.waiting).toBe(0);
  });

  it('stop forgets what was under way', async () => {
    const { clock, watch, reasons, ask } = rig();
    await ask(true);
    watch.stop();
    expect(clock.waiting).toBe(0);
    await pass(clock, 1e6);
    expect(reasons).toEqual([]);
  });
});
