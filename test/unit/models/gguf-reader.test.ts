import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppError } from '../../../electron/agent/base/errors.ts';
import { readGgufHeader } from '../../../electron/agent/models/gguf-reader.ts';
import { buildSelfTestModel } from '../../../build/self-test-model.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { entry, ggufFile, text, u64, usualEntries, type GgufDraft } from './gguf-file.ts';

function written(bytes: Buffer): string {
  const file = join(tempFolder(), 'model.gguf');
  writeFileSync(file, bytes);
  return file;
}

const reading = (draft: GgufDraft) => readGgufHeader(written(ggufFile(draft)));
const unusable = (sentence: string) =>
  expect.objectContaining({ code: 'model_unusable', message: expect.stringContaining(sentence) as string }) as AppError;

describe('readGgufHeader', () => {
  it('reads what the header says', async () => {
    expect(await reading({})).toMatchObject({
      version: 3,
      architecture: 'llama',
      name: 'Small Horse',
      quantization: 'Q4_K_M',
      contextLength: 4_096,
      blockCount: 2,
      headCount: null,
      parameters: 128,
      tensorTypes: new Map([[8, 128]]),
      hasChatTemplate: true,
    });
  });

  it('reads the self-test model', async () => {
    expect(await readGgufHeader(written(buildSelfTestModel()))).toMatchObject({
      architecture: 'llama',
      quantization: 'F16',
      contextLength: 16_384,
      headCount: 9,
      headCountKv: 1,
      embeddingLength: 288,
    });
  });

  it.each([
    ['B56 bad magic', { magic: 'GGML' }, 'not a GGUF file'],
    ['B56 version 1', { version: 1 }, 'version 1'],
    ['B56 version 99', { version: 99 }, 'version 99'],
    ['B56 big-endian', { version: 0x0300_0000 }, 'big-endian'],
    ['B57 2^63 tensors', { tensorCount: 2n ** 63n }, 'beyond reason'],
    ['B57 2^63 metadata entries', { entryCount: 2n ** 63n }, 'beyond reason'],
    ['B57 more tensors than there are', { tensorCount: 1_000n }, ''],
    ['B58 a tensor beyond the end', { dataBytes: 10 }, 'incomplete'],
    [
      'B58 an offset beyond the end',
      { tensors: [{ name: 'w', shape: [32], type: 8, offset: 2n ** 40n }] },
      'incomplete',
    ],
    [
      'B58 a tensor of 2^64 values',
      { tensors: [{ name: 'w', shape: [2 ** 40, 2 ** 40], type: 0, offset: 0 }] },
      'impossible',
    ],
    [
      'B58 nine dimensions',
      { tensors: [{ name: 'w', shape: [1, 1, 1, 1, 1, 1, 1, 1, 1], type: 0, offset: 0 }] },
      '9 dimensions',
    ],
    ['B60 a text of 4 GiB', { entries: [entry.raw('general.name', 8, u64(2n ** 32n))] }, 'beyond reason'],
    [
      'B60 a list of 2^31 items',
      { entries: [entry.raw('x', 9, Buffer.concat([Buffer.from([4, 0, 0, 0]), u64(2n ** 31n)]))] },
      'beyond reason',
    ],
    [
      'B60 a list of texts that is not there',
      { entries: [entry.raw('x', 9, Buffer.concat([Buffer.from([8, 0, 0, 0]), u64(10_000_000n)]))] },
      '',
    ],
    [
      'a list of lists',
      { entries: [entry.raw('x', 9, Buffer.concat([Buffer.from([9, 0, 0, 0]), u64(1n)]))] },
      'list of lists',
    ],
    ['a value of an unknown type', { entries: [entry.raw('x', 77, Buffer.alloc(8))] }, 'unknown type 77'],
    ['no architecture', { entries: [entry.u32('general.file_type', 1)] }, 'architecture'],
    [
      'an architecture with a path in it',
      { entries: [entry.string('general.architecture', '../../etc')] },
      'architecture',
    ],
    ['an alignment of zero', { entries: [...usualEntries, entry.u32('general.alignment', 0)] }, 'alignment'],
  ] as [string, GgufDraft, string][])('refuses %s', async (_, draft, sentence) => {
    await expect(reading(draft)).rejects.toEqual(unusable(sentence));
  });

  it('refuses a header larger than it reads, without reading it all', async () => {
    const file = written(
      Buffer.concat([
        ggufFile({ entries: [], entryCount: 2n, tensorCount: 0n, tensors: [], dataBytes: 0 }).subarray(0, 24),
        text('x'),
        Buffer.from([8, 0, 0, 0]),
        u64(30n * 2n ** 20n),
      ]),
    );
    // Sparse: 200 MiB that take no room.
    truncateSync(file, 200 * 2 ** 20);
    await expect(readGgufHeader(file)).rejects.toEqual(unusable(''));
  });

  it('says what is wrong with a path', async () => {
    await expect(readGgufHeader(join(tempFolder(), 'none.gguf'))).rejects.toEqual(unusable('no such file'));
    await expect(readGgufHeader(tempFolder())).rejects.toEqual(unusable('not a file'));
    await expect(readGgufHeader(written(Buffer.alloc(0)))).rejects.toEqual(unusable('middle of its header'));
  });

  it('survives a file cut anywhere', async () => {
    const whole = ggufFile();
    const file = written(whole);
    for (let length = whole.length - 1; length > 0; length -= 97) {
      truncateSync(file, length);
      await expect(readGgufHeader(file)).rejects.toEqual(unusable(''));
    }
  });

  it('survives any byte turned over: reads it or refuses it', async () => {
    const whole = ggufFile({ entries: usualEntries.slice(0, 6) });
    const file = written(whole);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (place, change) => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8((bytes[place] ?? 0) ^ change, place);
        writeFileSync(file, bytes);
        try {
          await readGgufHeader(file);
        } catch (error) {
          expect(error).toEqual(unusable(''));
        }
      }),
      { numRuns: 200 },
    );
  });
});
