import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderKind } from '../../electron/contract/cloud.ts';
import { ManualClock } from '../../electron/agent/base/clock.ts';
import { AppError } from '../../electron/agent/base/errors.ts';
import type { Billing, Upstream } from '../../electron/agent/inference/upstream.ts';
import { usageLimitFault } from '../fakes/fake-anthropic-behaviour.ts';
import { chatFor, providerKey, ProvidersRig, textOf } from '../integration/cloud/providers/providers-rig.ts';
import { never, readBody } from './port-rig.ts';

/** How a provider that stands in for a real one is told to behave, whatever its dialect. */
export interface StandInBehaviour {
  /** Pieces of text in an answer: `tok0 tok1 …`. */
  readonly tokens: number;
  /** cut, silent: after `afterTokens` pieces · hang: not even a head · status: an error. */
  readonly fault: 'none' | 'cut' | 'silent' | 'hang' | 'status';
  readonly afterTokens: number;
  readonly status: number;
  readonly errorType: string;
  readonly errorMessage: string;
  /** Of every answer. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface StandInState {
  /** Answers asked for so far: those that would cost something. */
  readonly started: number;
  readonly active: number;
  /** Answers whose connection was closed by this side. */
  readonly aborted: number;
  readonly requests: readonly { readonly headers: Readonly<Record<string, string | readonly string[] | undefined>> }[];
}

/** A provider in a process of its own. */
export interface ProviderStandIn extends AsyncDisposable {
  readonly url: string;
  behave(behaviour: Partial<StandInBehaviour>): Promise<void>;
  state(): Promise<StandInState>;
}

export interface ProviderSuiteOptions {
  readonly kind: ProviderKind;
  readonly dialect: 'openai' | 'anthropic';
  /** The headers that a request consists of. */
  readonly headers: readonly string[];
  /** The one with the key, as it is to be. */
  readonly keyHeader: { readonly name: string; readonly value: string };
  /** What the stand-in bills for a prompt. */
  readonly promptTokens: number;
  /** What its bill goes by beside; left out for nothing. */
  readonly billing?: Billing | undefined;
  start(): Promise<ProviderStandIn>;
}

interface Refusal {
  readonly name: string;
  readonly behaviour: Partial<StandInBehaviour>;
  readonly state: string;
  /** Whether it may be asked on. */
  readonly ready: boolean;
}

const refusal = (status: number, errorType: string, errorMessage: string, headers = {}): Partial<StandInBehaviour> => ({
  fault: 'status',
  status,
  errorType,
  errorMessage,
  headers,
});

const refusals: readonly Refusal[] = [
  {
    name: '429',
    behaviour: refusal(429, 'rate_limit_error', 'Slow down.', { 'retry-after': '17' }),
    state: 'busy',
    ready: false,
  },
  {
    name: '529',
    behaviour: refusal(529, 'overloaded_error', 'Overloaded.', { 'retry-after': '9' }),
    state: 'busy',
    ready: false,
  },
  { name: '401', behaviour: refusal(401, 'authentication_error', 'Bad key.'), state: 'unauthorised', ready: false },
  { name: '402', behaviour: refusal(402, 'billing_error', 'No money.'), state: 'out-of-money', ready: false },
  {
    name: '402 about one request',
    behaviour: refusal(402, 'x', 'This request requires fewer max_tokens. You can only afford 3919.'),
    state: 'ready',
    ready: true,
  },
  {
    name: 'a usage limit as 400',
    behaviour: refusal(400, 'invalid_request_error', usageLimitFault.errorMessage ?? ''),
    state: 'out-of-money',
    ready: false,
  },
  { name: '400', behaviour: refusal(400, 'invalid_request_error', 'No such field.'), state: 'ready', ready: true },
  { name: '500', behaviour: refusal(500, 'api_error', 'It went wrong.'), state: 'ready', ready: true },
];

const models = [
  { id: 'big-model', contextLength: 200_000, maxOutputTokens: 8_000 },
  { id: 'small-model', contextLength: 100_000 },
];
const patient = { timeout: 30_000 };

/** What every kind of cloud provider has to keep as an upstream, over a provider in a process of its own. */
export function providerPortSuite(options: ProviderSuiteOptions): void {
  const { kind, dialect } = options;
  const id = kind.endsWith('-compatible') ? 'mine' : kind;

  describe(`a provider of the kind ${kind}`, () => {
    let fake: ProviderStandIn;
    let rig: ProvidersRig;
    const upstream = (): Upstream => rig.upstream(id);
    const settings = () => ({ [id]: { kind, url: fake.url, models } });

    beforeAll(async () => {
      fake = await options.start();
      rig = await ProvidersRig.start(settings());
    });

    beforeEach(async () => {
      await fake.behave({});
      rig.keys.set(id, { kind: 'key', value: providerKey });
      await rig.until(id, ({ state }) => state === 'ready');
    });

    afterAll(async () => {
      await rig.providers.stop();
      await fake[Symbol.asyncDispose]();
    });

    it('is ready with its models and their prices', () => {
      const { name } = rig.row(id);
      expect(name).not.toBe('');
      expect(rig.row(id)).toMatchObject({ sentence: 'Ready with 2 models.', modelsTotal: 2, inFlight: 0 });
      const described = upstream().describe();
      expect(described).toMatchObject({ id, route: 'cloud', dialects: [dialect], ready: true, takesReceived: true });
      expect(described.billing).toBe(options.billing);
      expect(described.models[0]).toMatchObject({ id: 'big-model', maxOutputTokens: 8_000, price: { inputUsd: 3 } });
    });

    it.each([
      ['whole', false],
      ['streamed', true],
    ])('answers, %s, tells what it used, and gets its key in one header', async (_, stream) => {
      await fake.behave({ tokens: 3 });
      const response = await upstream().generate(chatFor(dialect, { stream }), never);
      expect(response.status).toBe(200);
      const text = await textOf(response);
      expect(saidIn(text)).toBe('tok0 tok1 tok2 ');
      expect(toldUsage(text)).toEqual({ input: options.promptTokens, output: 3 });
      expect(rig.row(id).inFlight).toBe(0);
      const sent = (await fake.state()).requests.at(-1)?.headers ?? {};
      expect(Object.keys(sent).sort()).toEqual([...options.headers].sort());
      expect(sent[options.keyHeader.name]).toBe(options.keyHeader.value);
      expect(JSON.stringify(sent).split(providerKey)).toHaveLength(2);
    });

    it('B54 cookies and other headers of the provider stay behind', async () => {
      await fake.behave({ headers: { 'set-cookie': 'a=b', 'x-internal': '1', 'x-request-id': 'r1' } });
      const { headers, body } = await upstream().generate(chatFor(dialect), never);
      body.destroy();
      expect([...headers.keys()]).toContain('x-request-id');
      expect([...headers.keys()].filter((name) => name === 'set-cookie' || name === 'x-internal')).toEqual([]);
    });

    it('asked for what it does not speak, it sends nothing', async () => {
      const { started } = await fake.state();
      const other = chatFor(dialect === 'openai' ? 'anthropic' : 'openai');
      expect((await failureOf(upstream().generate(other, never))).code).toBe('unsupported_capability');
      expect((await fake.state()).started).toBe(started);
    });

    it('an abort before the head closes the connection, and its place is free', async () => {
      await fake.behave({ fault: 'hang' });
      const { aborted } = await fake.state();
      const caller = new AbortController();
      const work = failureOf(upstream().generate(chatFor(dialect), caller.signal));
      await expect.poll(async () => (await fake.state()).active, patient).toBe(1);
      expect(rig.row(id).inFlight).toBe(1);
      caller.abort();
      expect((await work).code).toBe('caller_gone');
      expect(rig.row(id).inFlight).toBe(0);
      await expect.poll(async () => (await fake.state()).aborted, patient).toBe(aborted + 1);
      expect((await fake.state()).active).toBe(0);
    });

    it.each(['aborted', 'let go of'])(
      'a stream that is %s closes the connection, and its place is free',
      async (how) => {
        await fake.behave({ tokens: 20, fault: 'silent', afterTokens: 3 });
        const { aborted } = await fake.state();
        const caller = new AbortController();
        const response = await upstream().generate(chatFor(dialect, { stream: true }), caller.signal);
        const begun = Promise.withResolvers<undefined>();
        let text = '';
        const read = readBody(response, (piece) => {
          text += piece;
          if (text.includes('tok2')) begun.resolve(undefined);
        });
        await begun.promise;
        expect(rig.row(id).inFlight).toBe(1);
        if (how === 'aborted') {
          caller.abort();
          expect((await read).error).not.toBeNull();
        } else response.body.destroy();
        expect(rig.row(id).inFlight).toBe(0);
        await expect.poll(async () => (await fake.state()).aborted, patient).toBe(aborted + 1);
      },
    );

    it.each([
      ['whole', false],
      ['streamed', true],
    ])('F31 an answer that is cut, %s, fails', async (_, stream) => {
      await fake.behave({ tokens: 20, fault: 'cut', afterTokens: 3 });
      const response = await upstream().generate(chatFor(dialect, { stream }), never);
      const { text, error } = await readBody(response);
      expect(error).not.toBeNull();
      if (stream) expect(saidIn(text)).toBe('tok0 tok1 tok2 ');
      expect(rig.row(id).inFlight).toBe(0);
    });

    for (const { name, behaviour, state, ready } of refusals) {
      it(`F30 ${name}: told to its caller, and it is ${state}`, async () => {
        await fake.behave(behaviour);
        const response = await upstream().generate(chatFor(dialect), never);
        expect(response.status).toBe(behaviour.status);
        const retryAfter = behaviour.headers?.['retry-after'];
        if (retryAfter !== undefined) expect(response.headers.get('retry-after')).toBe(retryAfter);
        expect(JSON.stringify(JSON.parse(await textOf(response)))).toContain(behaviour.errorMessage);
        expect(rig.row(id).state).toBe(state);
        expect(upstream().describe()).toMatchObject({ ready, comesUp: false });
        if (ready) return;
        const { started } = await fake.state();
        expect((await failureOf(upstream().generate(chatFor(dialect), never))).code).toBe('engine_not_ready');
        expect((await fake.state()).started).toBe(started);
      });
    }

    it('F30 fails several times in a row: it is told to be broken, and asked on', async () => {
      await fake.behave(refusal(500, 'api_error', 'It went wrong.'));
      for (let count = 0; count < 5; count += 1) await textOf(await upstream().generate(chatFor(dialect), never));
      expect(rig.row(id).state).toBe('broken');
      await fake.behave({});
      await textOf(await upstream().generate(chatFor(dialect), never));
      expect(rig.row(id).state).toBe('ready');
    });

    it('F30 hangs: after its time it is silent, and the connection is closed', async () => {
      const clock = new ManualClock();
      await using slow = await ProvidersRig.start(settings(), { clock });
      await fake.behave({ fault: 'hang' });
      const { aborted } = await fake.state();
      const work = failureOf(slow.upstream(id).generate(chatFor(dialect, { stream: true }), never));
      await expect.poll(async () => (await fake.state()).active, patient).toBe(1);
      clock.advance(180_000);
      expect((await work).code).toBe('upstream_silent');
      expect(slow.row(id).inFlight).toBe(0);
      await expect.poll(async () => (await fake.state()).aborted, patient).toBe(aborted + 1);
    });

    it('B55 an error that repeats the key does not tell it', async () => {
      await fake.behave(refusal(400, 'invalid_request_error', `No ${providerKey}.`));
      const text = await textOf(await upstream().generate(chatFor(dialect), never));
      expect(text).toContain('No ***');
      expect(text).not.toContain(providerKey.slice(0, 8));
    });

    it('a head without end fails, and of an error without end its beginning is told', async () => {
      await fake.behave({ headers: { 'x-long': 'x'.repeat(70_000) } });
      expect((await failureOf(upstream().generate(chatFor(dialect), never))).code).toBe('upstream_failed');
      await fake.behave(refusal(400, 'invalid_request_error', 'x'.repeat(1_000_000)));
      const response = await upstream().generate(chatFor(dialect), never);
      expect(response.status).toBe(400);
      expect((await textOf(response)).length).toBeLessThan(70_000);
      expect(rig.row(id).inFlight).toBe(0);
    });

    it('is tested without a paid call', async () => {
      const { started } = await fake.state();
      expect(await rig.providers.test(id)).toContain(`${rig.row(id).name} answers`);
      await fake.behave(refusal(401, 'authentication_error', `Bad ${providerKey}.`));
      const failure = await failureOf(rig.providers.test(id));
      expect(failure.message).toContain('refused the key');
      expect(failure.message).not.toContain(providerKey.slice(0, 8));
      expect(rig.row(id).state).toBe('unauthorised');
      await fake.behave({});
      await rig.providers.test(id);
      expect(rig.row(id).state).toBe('ready');
      expect((await fake.state()).started).toBe(started);
    });

    it('stopped: what is on its way fails, and nothing more is sent', async () => {
      await using own = await ProvidersRig.start(settings());
      const kept = own.upstream(id);
      await fake.behave({ tokens: 20, fault: 'silent', afterTokens: 1 });
      const response = await kept.generate(chatFor(dialect, { stream: true }), never);
      const read = readBody(response);
      const { started } = await fake.state();
      await own.providers.stop();
      expect((await read).error).not.toBeNull();
      expect((await failureOf(kept.generate(chatFor(dialect), never))).code).toBe('engine_not_ready');
      expect((await fake.state()).started).toBe(started);
    });

    it('changed or switched off by the settings: what is on its way goes on, and nothing more is sent', async () => {
      await using own = await ProvidersRig.start(settings());
      const kept = own.upstream(id);
      await fake.behave({ tokens: 3 });
      const response = await kept.generate(chatFor(dialect, { stream: true }), never);
      const { started } = await fake.state();
      own.change({ [id]: { kind, url: fake.url, models, enabled: false } });
      expect(own.row(id).state).toBe('off');
      expect(saidIn(await textOf(response))).toBe('tok0 tok1 tok2 ');
      expect((await failureOf(kept.generate(chatFor(dialect), never))).message).toContain('switched off');
      expect((await fake.state()).started).toBe(started);
    });
  });
}

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const thrown: unknown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw new Error('it did not fail as expected', { cause: thrown });
}

/** The pieces of text in an answer, of whatever dialect. */
function saidIn(text: string): string {
  return [...text.matchAll(/tok\d+ /g)].map(([piece]) => piece).join('');
}

interface ToldUsage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
}

/** What the last word on usage is in an answer, of whatever dialect, whole or streamed. */
function toldUsage(text: string): { input: number; output: number } {
  const lines = text.startsWith('{') ? [text] : [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => json ?? '');
  let told: ToldUsage = {};
  for (const line of lines) {
    const said = JSON.parse(line) as { usage?: ToldUsage | null; message?: { usage?: ToldUsage } };
    told = { ...told, ...said.message?.usage, ...said.usage };
  }
  return {
    input: told.prompt_tokens ?? told.input_tokens ?? Number.NaN,
    output: told.completion_tokens ?? told.output_tokens ?? Number.NaN,
  };
}
