import { describe, expect, it } from 'vitest';
import { AppError } from '../../../electron/agent/base/errors.ts';
import { withoutKey } from '../../../electron/agent/inference/kept-secret.ts';
import type { WireBody, WireResponse } from '../../../electron/agent/inference/wire-response.ts';

const key = 'sk-ant-very-secret-0123456789';

/** An answer whose body comes in these pieces; `breaks` in place of its end. */
function answer(status: number, pieces: readonly string[], breaks = false): WireResponse {
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

async function textOf(response: WireResponse): Promise<string> {
  let text = '';
  const { body } = await withoutKey(response, key);
  await new Promise<void>((resolve) => {
    body.pipe({
      raw: (bytes) => {
        text += bytes.toString();
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
