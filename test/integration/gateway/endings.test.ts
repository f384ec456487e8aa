import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Trace } from '../../../electron/contract/trace.ts';
import { GatewayRig } from '../../fixtures/gateway-rig.ts';

const piece = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const told = 'data: {"error":{"code":500,"message":"Compute error.","type":"server_error"}}\n\n';
const done = 'data: [DONE]\n\n';

type Framing = 'chunked' | 'close' | 'length';

/** The bytes of an answer; `whole` has all of a chunked one in one chunk. */
function answer(framing: Framing, pieces: readonly string[], type = 'text/event-stream'): string {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n`;
  const text = pieces.join('');
  if (framing === 'length') return `${head}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  if (framing === 'close') return `${head}\r\n${text}`;
  return `${head}Transfer-Encoding: chunked\r\n\r\n${pieces.map(chunk).join('')}0\r\n\r\n`;
}

describe('how a stream that passes through ends', () => {
  let rig: GatewayRig;
  const traces: Trace[] = [];

  beforeAll(async () => {
    rig = await GatewayRig.start();
    rig.traced.subscribe((trace) => traces.push(trace));
  });

  beforeEach(() => rig.gateway.forgiveUpstreams());

  afterAll(() => rig[Symbol.asyncDispose]());

  const speak = (framing: Framing, pieces: readonly string[], type?: string) =>
    rig.fake.behave({ fault: 'raw', raw: answer(framing, pieces, type), closeAfter: framing === 'close' });

  async function lastTrace(): Promise<Trace | undefined> {
    while (rig.gateway.stats().inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    return traces.at(-1);
  }

  const good: readonly (readonly [string, readonly string[]])[] = [
    ['a reason and the mark', [piece('a'), piece('', 'stop'), done]],
    ['a reason and no mark', [piece('a'), piece('', 'length')]],
    ['a reason that is not known here', [piece('a'), piece('', 'eos')]],
    ['the mark and no reason', [piece('a'), done]],
    ['the mark without a line end', [piece('a'), 'data: [DONE]']],
    ['the mark in lines that end with CR LF', [piece('a').replaceAll('\n', '\r\n'), 'data:[DONE]\r\n\r\n']],
    ['a reason in a line without an end', [piece('a'), piece('b', 'stop').trimEnd()]],
    ['no token at all and the mark', [done]],
    [
      'an error that is none',
      [piece('a').replace('{', '{"error":null,'), piece('', 'stop').replace('{', '{"error":"",')],
    ],
  ];

  it.each(
    (['chunked', 'close', 'length'] as const).flatMap((framing) => good.map((each) => [framing, ...each] as const)),
  )('F1 passes a good stream on byte for byte (%s): %s', async (framing, _name, pieces) => {
    await speak(framing, pieces);
    expect(await (await rig.chat({ stream: true })).text()).toBe(pieces.join(''));
    expect(await lastTrace()).toMatchObject({ state: 'done', attempts: [{ outcome: 'answered' }] });
  });

  it.each(['chunked', 'length'] as const)(
    'F1 passes on a stream of nothing that is framed to its end (%s)',
    async (framing) => {
      await speak(framing, []);
      expect(await (await rig.chat({ stream: true })).text()).toBe('');
      expect(await lastTrace()).toMatchObject({ state: 'done' });
    },
  );

  it('F1 takes a connection that closes behind the head for a broken one, which another upstream may mend', async () => {
    await speak('close', []);
    const { status } = await rig.chat({ stream: true });
    expect(status).toBe(502);
    expect(await lastTrace()).toMatchObject({ state: 'failed', error: 'upstream_failed' });
  });

  it.each(['chunked', 'length'] as const)(
    'F1 tells of a broken stream by its status where nothing of it has left (%s)',
    async (framing) => {
      await speak(framing, [piece('a')]);
      const short = await rig.chat({ stream: true });
      expect(short.status).toBe(502);
      expect(await short.text()).toContain('before it was complete');
      await speak(framing, [piece('a'), told, done]);
      const broken = await rig.chat({ stream: true });
      expect(broken.status).toBe(502);
      expect(await broken.text()).toContain('Compute error.');
      expect(await lastTrace()).toMatchObject({ state: 'failed', attempts: [{ outcome: 'failed' }] });
    },
  );

  it('F1 leaves an error that the stream tells as it is, and adds no other', async () => {
    await rig.fake.behave({ fault: 'error-event', afterTokens: 3 });
    const text = await (await rig.chat({ stream: true })).text();
    expect(text.split('"error"')).toHaveLength(2);
    expect(await lastTrace()).toMatchObject({ state: 'failed', error: 'upstream_failed', completionTokens: 3 });
  });

  it('F1 ends a stream of HTTP/1.0 with the error too', async () => {
    await rig.fake.behave({ fault: 'short', afterTokens: 2 });
    const body = JSON.stringify({ model: 'fake-model', stream: true, messages: [{ role: 'user', content: 'x' }] });
    const text = await rig.raw(
      `POST /v1/chat/completions HTTP/1.0\r\nHost: HOST\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(text).toContain('tok1 ');
    expect(text).toContain('"error"');
  });

  it('F1 shuts an upstream out whose streams break off five times in a row', async () => {
    await rig.fake.behave({ fault: 'short', afterTokens: 1 });
    for (let count = 0; count < 5; count += 1) await (await rig.chat({ stream: true })).text();
    expect(rig.gateway.stats().breakers).toMatchObject([{ upstream: 'fake', cause: 'failing' }]);
  });

  it('F30 takes an upstream that says in its stream that it is busy for well', async () => {
    const busy = 'data: {"error":{"message":"Full.","type":"server_error","param":null,"code":"too_busy"}}\n\n';
    await speak('close', [': waiting\n\n', busy]);
    for (let count = 0; count < 6; count += 1) {
      expect(await (await rig.chat({ stream: true })).text()).toContain('Full.');
      expect(await lastTrace()).toMatchObject({ state: 'failed', error: 'too_busy' });
    }
    expect(rig.gateway.stats().breakers).toEqual([]);
  });

  it('F1 looks for no end in what is no stream', async () => {
    await rig.fake.behave({ tokens: 2 });
    expect((await rig.chat()).status).toBe(200);
    expect((await rig.post('/v1/embeddings', { model: 'fake-model', input: 'x' })).status).toBe(200);
    // Some engines give an answer at once that they were asked to stream.
    await speak('length', [JSON.stringify({ choices: [{ message: { content: 'Hello' } }] })], 'application/json');
    expect(await (await rig.chat({ stream: true })).text()).toContain('Hello');
    expect(await lastTrace()).toMatchObject({ state: 'done' });
  });

  it('F1 streams text completions to their end, and tells of one that has none', async () => {
    await rig.fake.behave({ tokens: 2 });
    const ask = async (): Promise<string> =>
      (await rig.post('/v1/completions', { model: 'fake-model', prompt: 'x', stream: true })).text();
    expect(await ask()).toContain('[DONE]');
    expect(await lastTrace()).toMatchObject({ state: 'done' });
    await rig.fake.behave({ fault: 'short', afterTokens: 2 });
    expect(await ask()).toContain('"error"');
    expect(await lastTrace()).toMatchObject({ state: 'failed' });
  });
});
