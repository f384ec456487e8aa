import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../electron/agent/base/errors.ts';
import { withoutKey } from '../../../electron/agent/inference/kept-secret.ts';
import type { WireBody, WireResponse } from '../../../electron/agent/inference/wire-response.ts';

const key = 'sk-ant-very-secret-0123456789';

/** An answer whose body comes in these pieces; `breaks` in place of its end. */
function answer(status: number, pieces: readonly (string | Buffer)[], breaks = false): WireResponse {
  const body: WireBody = {
    framing: { kind: 'close' },
    pipe: (sink) => {
      for (const piece of pieces) {
        const bytes = Buffer.from(piece);
        sink.payload(bytes, 0, bytes.length);
        sink.raw(bytes);
      }
      if (breaks) sink.fail(new AppError('upstream_failed', 'It broke off.'), true);
      else sink.end();
    },
    resume: () => undefined,
    destroy: () => undefined,
  };
  return { status, headers: new Map(), body };
}

async function textOf(response: WireResponse, secret = key): Promise<string> {
  let text = '';
  const { body } = await withoutKey(response, secret);
  await new Promise<void>((resolve) => {
    body.pipe({
      raw: (bytes) => {
        text += bytes.toString('latin1');
        return true;
      },
      payload: () => undefined,
      end: resolve,
      fail: () => resolve(),
    });
  });
  return text;
}

const sentence = `{"message":"no ${key} here, nor ${key}."}`;
const without = sentence.replaceAll(key, '*'.repeat(key.length));

describe('B55 a key that an answer repeats', () => {
  it('B55 is gone from an error, wherever the error is split in two', async () => {
    for (let at = 0; at <= sentence.length; at += 1) {
      expect(await textOf(answer(401, [sentence.slice(0, at), sentence.slice(at)]))).toBe(without);
    }
  });

  it('B55 is gone from a stream but for a beginning that says nothing, wherever it is split', async () => {
    for (let at = 0; at <= sentence.length; at += 1) {
      const text = await textOf(answer(200, [sentence.slice(0, at), sentence.slice(at)]));
      expect(text).toHaveLength(sentence.length);
      expect(text).not.toContain(key.slice(0, 8));
      expect(text).not.toContain(key.slice(7, 15));
      expect(text).not.toContain(key.slice(-8));
    }
  });

  it('B55 is gone from a stream that comes byte by byte', async () => {
    const text = await textOf(
      answer(
        200,
        Array.from({ length: sentence.length }, (_, at) => sentence.charAt(at)),
      ),
    );
    expect(text).not.toContain(key.slice(7));
    expect(text.endsWith('."}')).toBe(true);
  });

  it('B55 does not get out by half where an error is too long or breaks off', async () => {
    const long = `${'x'.repeat(64 * 1024 - 12)}${key} and more`;
    expect(await textOf(answer(500, [long]))).not.toContain('sk-ant');
    expect(await textOf(answer(500, ['No good key: ', key.slice(0, 20)], true))).not.toContain(key.slice(0, 12));
  });

  it('leaves alone what is no key', async () => {
    const text = 'sk-ant keys begin with sk-ant-v and end';
    expect(await textOf(answer(200, [text]))).toBe(text);
    expect(await textOf(answer(500, [text]))).toBe(text);
  });
});

/** Characters that some servers write otherwise, and some that none does. */
const base64 = 'AbC1/dEf2+ghI3/jkL4+mnO5pqR6sTu7==';
const hex = (character: string): string => character.charCodeAt(0).toString(16).padStart(2, '0');

/** What servers make of a text. */
const spellings: readonly (readonly [string, (text: string) => string])[] = [
  ['PHP', (text) => text.replaceAll('/', '\\/')],
  ['.NET', (text) => text.replaceAll(/[+&<>'"`]/g, (each) => `\\u00${hex(each).toUpperCase()}`)],
  ['others, in lower case', (text) => text.replaceAll(/[+/=]/g, (each) => `\\u00${hex(each)}`)],
  ['an address', encodeURIComponent],
  ['an address in lower case', (text) => encodeURIComponent(text).replaceAll(/%../g, (each) => each.toLowerCase())],
  ['an address in an address', (text) => encodeURIComponent(encodeURIComponent(text))],
  ['JSON in JSON', (text) => text.replaceAll('/', '\\\\/').replaceAll('+', '\\\\u002b')],
  ['JSON in JSON, slashes twice', (text) => text.replaceAll('/', '\\\\\\/')],
];

/** No character of it is in a key, and no escape begins with one. */
const around = '  é\n ';

/** Where each piece of the text ends. */
function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...new Set([...cuts, bytes.length])].sort((a, b) => a - b).filter((cut) => cut > 0);
  return ends.map((end, index) => Buffer.from(bytes.subarray(ends[index - 1] ?? 0, end)));
}

/** A printable key, and each of its characters in one of its spellings. */
const spelledKey = fc
  .array(
    fc.integer({ min: 0x21, max: 0x7e }).chain((code) => {
      const character = String.fromCharCode(code);
      const escaped = [`\\u00${hex(character)}`, `\\u00${hex(character).toUpperCase()}`];
      const encoded = [`%${hex(character)}`, `%${hex(character).toUpperCase()}`];
      const twice = /[\\%]/.test(character) ? [] : [`\\${escaped[0] ?? ''}`, `%25${hex(character)}`];
      const short = /[a-z0-9]/i.test(character) ? [] : [`\\${character}`];
      // A plain one would be the beginning of what follows it.
      const plain = character === '\\' || character === '%' ? [] : [character, character];
      return fc.record({
        character: fc.constant(character),
        spelled: fc.constantFrom(...plain, ...escaped, ...encoded, ...short, ...twice),
      });
    }),
    { minLength: 8, maxLength: 50 },
  )
  .map((units) => ({
    secret: units.map(({ character }) => character).join(''),
    units: units.map(({ spelled }) => spelled),
  }));

describe('B55 a key that an answer repeats in another spelling', () => {
  it.each(spellings)(
    'B55 is gone from errors and streams, as %s writes it, wherever they are split',
    async (_who, spell) => {
      const spelled = spell(base64);
      const text = `{"error":{"message":"Incorrect API key provided: ${spelled}. And ${base64}."}}`;
      const masked = text.replaceAll(spelled, '*'.repeat(spelled.length)).replaceAll(base64, '*'.repeat(base64.length));
      for (let at = 0; at <= text.length; at += 1) {
        const pieces = (): Buffer[] => cutAt(Buffer.from(text), [at]);
        expect(await textOf(answer(400, pieces()), base64)).toBe(masked);
        const stream = await textOf(answer(200, pieces()), base64);
        expect(stream).toHaveLength(text.length);
        expect(stream).not.toContain(spelled.slice(spell(base64.slice(0, 8)).length));
        expect(stream).not.toContain(spell(base64.slice(0, 8)));
      }
    },
  );

  it('B55 is gone, whatever the key and however each of its characters is spelled and split', async () => {
    await fc.assert(
      fc.asyncProperty(spelledKey, fc.array(fc.nat(400), { maxLength: 12 }), async ({ secret, units }, cuts) => {
        const spelled = units.join('');
        const bytes = Buffer.from(`${around}${spelled}${around}${secret}${around}`);
        const [before, after] = [Buffer.from(around).length, bytes.length - Buffer.from(around).length];
        const whole = await textOf(answer(400, cutAt(bytes, cuts)), secret);
        const margin = Buffer.from(around).toString('latin1');
        const stars = (length: number): string => '*'.repeat(length);
        expect(whole).toBe(`${margin}${stars(spelled.length)}${margin}${stars(secret.length)}${margin}`);
        const stream = await textOf(answer(200, cutAt(bytes, cuts)), secret);
        expect(stream).toHaveLength(bytes.length);
        expect(stream.slice(0, before) + stream.slice(after)).toBe(margin + margin);
        // Seven characters and what was there of the eighth say nothing.
        const visible = units.slice(0, 8).join('').length - 1;
        expect(stream.slice(before + visible, before + spelled.length)).toBe(stars(spelled.length - visible));
        expect(stream.slice(after - secret.length + 7, after)).toBe(stars(secret.length - 7));
      }),
      { numRuns: 300 },
    );
  });

  it('B55 is gone where two of its beginnings lie in one another', async () => {
    const own = 'ababababac';
    for (const text of [`ab${own}`, `abababab${own}`, `abab${own}${own}`]) {
      for (let at = 0; at <= text.length; at += 1) {
        const stream = await textOf(answer(200, cutAt(Buffer.from(text), [at])), own);
        expect(stream).not.toContain('babac');
      }
    }
  });

  it('B55 is gone from the headers that are kept', async () => {
    for (const status of [200, 400]) {
      const headers = new Map([
        ['content-type', `text/html; about=${encodeURIComponent(base64)}`],
        ['x-request-id', base64],
        ['retry-after', '7'],
      ]);
      const masked = await withoutKey({ ...answer(status, []), headers }, base64);
      expect(masked.headers.get('content-type')).toMatch(/^text\/html; about=\*+$/);
      expect(masked.headers.get('x-request-id')).toMatch(/^\*+$/);
      expect(masked.headers.get('retry-after')).toBe('7');
    }
  });

  it('B55 leaves a compressed body as it is, and what only looks like a key', async () => {
    const packed = gzipSync(`{"error":{"message":"No ${base64}."}}`);
    for (const status of [200, 400]) {
      expect(await textOf(answer(status, [packed]), base64)).toBe(packed.toString('latin1'));
      for (const text of ['AbC1\\/dEf2\\u002', 'AbC1%2FdEf2%2X', '\\n\\"\\\\%%25 A \\u0041 AbC1/', '\\'.repeat(99)]) {
        expect(await textOf(answer(status, [`${text} "`]), base64)).toBe(`${text} "`);
      }
    }
  });

  it('B55 does not get out by half where an error in another spelling breaks off', async () => {
    for (const [, spell] of spellings) {
      const spelled = spell(base64);
      for (let at = 0; at < spelled.length; at += 1) {
        const text = await textOf(answer(500, ['No good key: ', spelled.slice(0, at)], true), base64);
        expect(text).toBe('No good key: ');
      }
    }
  });
});
