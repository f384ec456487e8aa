import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readGgufHeader } from '../../../electron/agent/models/gguf-reader.ts';
import { refusedByBitnet, refusedByMainline } from '../../../electron/agent/models/loadable.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { entry, ggufFile } from './gguf-file.ts';

async function modelOf(type: number, architecture = 'llama') {
  const file = join(tempFolder(), 'model.gguf');
  const tensors = [{ name: 'w', shape: [256, 4], type, offset: 0 }];
  writeFileSync(
    file,
    ggufFile({ tensors, dataBytes: 8_192, entries: [entry.string('general.architecture', architecture)] }),
  );
  return { header: await readGgufHeader(file), problem: null };
}

const onlyBitnet = 'which only the BitNet engine runs. Install it with: ranch-hand engines install bitnet.';

describe('which engines can load a model', () => {
  it.each([
    ['i2_s', 36, 'llama'],
    ['i8_s', 37, 'llama'],
    ['tl1', 38, 'bitnet-b1.58'],
    ['tl2', 39, 'bitnet-b1.58'],
  ])('B59 %s: mainline says that only the BitNet engine can, which loads it', async (format, type, architecture) => {
    const model = await modelOf(type, architecture);
    expect(refusedByMainline(model)).toBe(`Its weights are in the format ${format}, ${onlyBitnet}`);
    expect(refusedByBitnet(model)).toBeNull();
  });

  it.each([
    ['F16', 1],
    ['Q4_K', 12],
    ['TQ2_0', 35],
  ])('%s loads everywhere', async (_, type) => {
    const model = await modelOf(type);
    expect(refusedByMainline(model)).toBeNull();
    expect(refusedByBitnet(model)).toBeNull();
  });

  it('B59 MXFP4 and newer architectures are beyond the BitNet engine, which names those that can', async () => {
    const newerFormat = await modelOf(39);
    expect(refusedByMainline(newerFormat)).toBeNull();
    expect(refusedByBitnet(newerFormat)).toContain('Use Ollama, llama-server or the embedded engine');
    const newerArchitecture = await modelOf(1, 'gemma3');
    expect(refusedByMainline(newerArchitecture)).toBeNull();
    expect(refusedByBitnet(newerArchitecture)).toContain('older than the architecture gemma3');
  });

  it('B59 a format that engines have dropped says which to take', async () => {
    expect(refusedByMainline(await modelOf(31))).toContain('Q4_0_4_4, which engines no longer read');
  });

  it('a file that cannot be read is refused with what is wrong with it', () => {
    const broken = { header: null, problem: 'It is not a GGUF file.' };
    expect(refusedByMainline(broken)).toBe('It is not a GGUF file.');
    expect(refusedByBitnet(broken)).toBe('It is not a GGUF file.');
  });
});
