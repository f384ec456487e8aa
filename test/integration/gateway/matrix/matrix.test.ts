import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callers, pixel, weatherText, type Question } from './callers.ts';
import { answerers, askers, modes, passes, type Answerer, type Asker, type Feature, type Mode } from './cells.ts';
import { MatrixRig } from './rig.ts';

interface Cell {
  readonly asker: Asker;
  readonly answerer: Answerer;
  readonly mode: Mode;
}

const cells: Cell[] = askers.flatMap((asker) =>
  answerers.flatMap((answerer) => modes.map((mode) => ({ asker, answerer, mode }))),
);

/** What a library says of a refusal, in whatever class. */
function toldBy(error: unknown): { readonly status: number | null; readonly message: string } {
  if (!(error instanceof Error)) throw new Error('no error was thrown');
  const status: unknown = Reflect.get(error, 'status') ?? Reflect.get(error, 'status_code');
  return { status: typeof status === 'number' ? status : null, message: error.message };
}

describe.each(cells)('$asker asks an upstream of the dialect $answerer ($mode)', ({ asker, answerer, mode }) => {
  const ask = (more: Partial<Question> = {}) =>
    callers[asker](rig.url, { model: `${answerer}-model`, stream: mode === 'stream', with: 'nothing', ...more });
  const failed = (more: Partial<Question> = {}): Promise<unknown> =>
    ask(more).then(
      (heard) => heard,
      (error: unknown) => error,
    );

  beforeEach(async () => {
    await rig.fakes[answerer].behave({});
    rig.gateway.forgiveUpstreams();
  });

  const tests: Readonly<Record<Feature, () => Promise<void>>> = {
    async text() {
      await rig.fakes[answerer].behave({ tokens: 3 });
      expect(await ask()).toEqual({
        text: 'tok0 tok1 tok2 ',
        calls: [],
        finish: 'stop',
        promptTokens: 7,
        completionTokens: 3,
      });
      expect(await rig.lastTrace()).toMatchObject({
        state: 'done',
        upstream: `${answerer}-server`,
        model: `${answerer}-model`,
        translatedFrom: passes(asker, answerer) ? null : answerer,
        promptTokens: 7,
        completionTokens: 3,
      });
    },

    async 'tool call'() {
      await rig.fakes[answerer].behave({
        tokens: 0,
        calls: [
          { name: 'get_weather', pieces: ['{"city":', '"Oslo"}'] },
          { name: 'get_weather', pieces: ['{"city":"Voss"}'] },
        ],
      });
      const heard = await ask({ with: 'tools' });
      expect(heard.calls).toEqual([
        { name: 'get_weather', input: { city: 'Oslo' } },
        { name: 'get_weather', input: { city: 'Voss' } },
      ]);
      expect(heard.finish).toBe('tool_calls');
      const body = await rig.fakes[answerer].lastBody();
      expect(body).toContain('The weather in a city');
      expect(body).toContain(weatherText);
      expect(body).toContain('Bergen');
    },

    async image() {
      await rig.fakes[answerer].behave({ tokens: 1 });
      expect((await ask({ with: 'image' })).text).toBe('tok0 ');
      expect(await rig.fakes[answerer].lastBody()).toContain(pixel);
    },

    async 'JSON schema'() {
      await rig.fakes[answerer].behave({ tokens: 1, text: '{"ok":true}' });
      const { text } = await ask({ with: 'schema' });
      expect(JSON.parse(text)).toEqual({ ok: true });
      expect(await rig.fakes[answerer].lastBody()).toContain('"required":["ok"]');
    },

    async error() {
      await rig.fakes[answerer].behave({ fault: 'status', status: 500, errorMessage: 'It went wrong.' });
      const { status, message } = toldBy(await failed());
      expect(status).toBe(502);
      expect(message).toContain('It went wrong.');
      expect(await rig.lastTrace()).toMatchObject({ state: 'failed', error: 'engine_failed', status: 502 });
    },

    async 'cut stream'() {
      await rig.fakes[answerer].behave({ tokens: 5, fault: 'cut', afterTokens: 2 });
      let pieces = 0;
      const error = await failed({ onPiece: () => (pieces += 1) });
      expect(error).toBeInstanceOf(Error);
      if (mode === 'stream') expect(pieces).toBe(2);
      expect(await rig.lastTrace()).toMatchObject({ state: 'failed', error: 'upstream_failed' });
    },

    async abort() {
      const fake = rig.fakes[answerer];
      await fake.behave(mode === 'stream' ? { tokens: 1_000_000, intervalMs: 2 } : { firstMs: 600_000 });
      const { aborted, started } = await fake.state();
      const controller = new AbortController();
      const leave = (): void => controller.abort();
      const answer = failed({ signal: controller.signal, onPiece: leave });
      if (mode === 'plain') {
        while ((await fake.state()).started === started);
        leave();
      }
      expect(await answer).toBeInstanceOf(Error);
      expect((await fake.idle()).aborted).toBe(aborted + 1);
      expect(await rig.lastTrace()).toMatchObject({ state: 'aborted', error: 'caller_gone' });
    },
  };

  for (const [name, test] of Object.entries(tests)) it(name, test);
});

let rig: MatrixRig;

beforeAll(async () => {
  rig = await MatrixRig.start();
});

afterAll(() => rig[Symbol.asyncDispose]());
