import { describe, expect, it } from 'vitest';
import { libraryListener } from '../../../../electron/agent/models/pull/library.ts';
import { OutputReader } from '../../../../electron/agent/models/pull/llama-quantize.ts';
import { madeName, madeStem } from '../../../../electron/agent/models/pull/making.ts';
import { Progress } from '../../../../electron/agent/models/pull/progress.ts';
import type { PullWork } from '../../../../electron/agent/models/pull/pull-work.ts';

it.each([
  ['/m/Horse-7B-F16.gguf', 'Horse-7B-Q4_K_M'],
  ['/m/Horse-7B.bf16.gguf', 'Horse-7B-Q4_K_M'],
  ['/m/horse-fp16-00001-of-00002.gguf', 'horse-Q4_K_M'],
  ['/m/horse.gguf', 'horse-Q4_K_M'],
])('names what is made from %s', (source, stem) => {
  expect(madeStem(source, 'Q4_K_M')).toBe(stem);
});

it.each([
  ['llama3.1:8b-instruct-fp16', 'llama3.1:8b-instruct-q4_K_M'],
  ['me/horse:latest', 'me/horse:q4_K_M'],
  ['gemma3:270m', 'gemma3:270m-q4_K_M'],
])('names what Ollama makes from %s', (name, made) => {
  expect(madeName(name, 'Q4_K_M')).toBe(made);
});

describe('what llama-quantize writes', () => {
  it('is read as progress, however it is cut up, and its last lines are kept', () => {
    const shares: number[] = [];
    const reader = new OutputReader((share) => shares.push(share));
    for (const piece of [
      '[   1/  4] token_embd.weight - [640',
      ', 262144]\n[  ',
      '2/  4] x\n',
      'main: quantize time\n[ 9/ 4] odd\n',
      'last',
    ]) {
      reader.read(Buffer.from(piece));
    }
    expect(shares).toEqual([0.25, 0.5, 1]);
    expect(reader.lastLines().slice(-2)).toEqual(['[ 9/ 4] odd', 'last']);
    for (let line = 0; line < 1_000; line += 1) reader.read(Buffer.from(`${'x'.repeat(2_000)}\n`));
    expect(reader.lastLines().length).toBeLessThanOrEqual(21);
    expect(reader.lastLines().every((line) => line.length <= 500)).toBe(true);
  });
});

it('adds the layers of Ollama up to one progress', () => {
  const progress = new Progress(0, null);
  const told: string[] = [];
  const work: PullWork = {
    record: () => {
      throw new Error('not asked for');
    },
    update: () => undefined,
    progress,
    signal: new AbortController().signal,
    reach: (bytes) => progress.reach(bytes, 0),
    note: (note) => void told.push(note ?? 'downloads'),
    verifying: () => void told.push('verifies'),
  };
  const hear = libraryListener(work);
  hear({ status: 'pulling manifest', digest: null, receivedBytes: null, totalBytes: null });
  hear({ status: 'pulling a', digest: 'sha256:a', receivedBytes: 60, totalBytes: 100 });
  hear({ status: 'pulling b', digest: 'sha256:b', receivedBytes: null, totalBytes: 20 });
  hear({ status: 'pulling a', digest: 'sha256:a', receivedBytes: 100, totalBytes: 100 });
  expect([progress.receivedBytes, progress.totalBytes]).toEqual([100, 120]);
  hear({ status: 'pulling b', digest: 'sha256:b', receivedBytes: 20, totalBytes: 20 });
  hear({ status: 'verifying sha256 digest', digest: null, receivedBytes: null, totalBytes: null });
  hear({ status: 'some new step', digest: null, receivedBytes: null, totalBytes: null });
  expect(progress.receivedBytes).toBe(120);
  expect([told[0], told.at(-1)]).toEqual(['Ollama asks its library for the model.', 'verifies']);
});
