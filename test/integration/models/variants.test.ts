import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { queryAnswerSchemas } from '../../../electron/contract/control.ts';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { quantizableTypes, type Quantizer } from '../../../electron/agent/models/pull/llama-quantize.ts';
import type { LocalModel } from '../../../electron/agent/models/variants/variant-list.ts';
import { Variants, type VariantsDeps, type VariantsOptions } from '../../../electron/agent/models/variants/variants.ts';
import { noFaults } from '../../fakes/fake-hub-faults.ts';
import { FakeHub } from '../../fakes/fake-hub-process.ts';
import { FakeRegistry } from '../../fakes/fake-registry-process.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';

const repo = 'ranch/Small-Horse-GGUF';
const nowhere = 'http://127.0.0.1:9';
let folder: string;
let hub: FakeHub;
let registry: FakeRegistry;

beforeAll(async () => {
  folder = makeTempFolder();
  const sized = (bytes: number): string => {
    const file = join(folder, `${bytes}.bin`);
    writeFileSync(file, Buffer.alloc(bytes));
    return file;
  };
  hub = await FakeHub.start([
    { repo, path: 'Small-Horse-Q4_K_M.gguf', file: sized(4_900) },
    { repo, path: 'Small-Horse-Q8_0.gguf', file: sized(8_500) },
    { repo, path: 'mmproj-F16.gguf', file: sized(100) },
    { repo: 'ranch/plain', path: 'README.md', file: sized(100) },
  ]);
  const tag = (name: string, of: string, bytes: number, quantization: string) => ({
    name,
    tag: of,
    file: sized(bytes),
    type: '8.0B',
    quantization,
  });
  registry = await FakeRegistry.start(folder, [
    tag('library/horse', 'latest', 4_900, 'Q4_K_M'),
    tag('library/horse', '8b', 4_900, 'Q4_K_M'),
    tag('library/horse', '8b-instruct-q4_K_M', 4_900, 'Q4_K_M'),
    tag('library/horse', '8b-instruct-q5_K_M', 5_700, 'Q5_K_M'),
    tag('library/horse', '8b-instruct-q8_0', 8_500, 'Q8_0'),
    tag('library/horse', '8b-instruct-fp16', 16_000, 'F16'),
    tag('someone/pony', '1b', 700, 'Q4_0'),
  ]);
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  removeFolder(folder);
});
beforeEach(async () => {
  await hub.behave(noFaults);
  await registry.behave({ ...noFaults, quietAfter: null });
});

const local = (more: Partial<LocalModel>): LocalModel => ({
  id: 'small-horse-q4_k_m',
  name: 'Small Horse',
  group: 'small-horse',
  quantization: 'Q4_K_M',
  sizeBytes: 4_900,
  loaded: true,
  origin: `hf.co/${repo}:Q4_K_M`,
  path: '/m/small-horse-q4_k_m.gguf',
  parameters: 8_000,
  fit: null,
  selfTest: false,
  ...more,
});

const quantizer: Quantizer = { types: quantizableTypes, available: () => true, run: () => Promise.resolve() };

function variantsOf(
  models: readonly LocalModel[],
  options: Partial<VariantsOptions> = {},
  deps: Partial<VariantsDeps> = {},
): Variants {
  const variants = new Variants(
    { hubUrl: hub.url, registryUrl: registry.url, env: {}, ...options },
    {
      clock: new ManualClock(),
      logger: silentLogger,
      models: () => models,
      fitOf: () => null,
      quantizer: null,
      hasLibrary: () => false,
      ...deps,
    },
  );
  onTestFinished(() => variants.close());
  return variants;
}

describe('the variants of a model', () => {
  it('are those here and those where it came from, as the contract has them', async () => {
    const answer = queryAnswerSchemas.variants.parse(await variantsOf([local({})]).of('Small Horse'));
    expect(answer).toMatchObject({ group: 'small-horse', problems: [] });
    expect(answer.variants.map(({ quantization, model, get }) => [quantization, model, get])).toEqual([
      ['Q8_0', null, { kind: 'pull', reference: `hf.co/${repo}:Q8_0` }],
      ['Q4_K_M', 'small-horse-q4_k_m', null],
    ]);
    expect(answer.variants[0]).toMatchObject({ sizeBytes: 8_500, bitsPerWeight: 8.5 });
  });

  it('are found in a repository that nobody has pulled yet, and asked for once in five minutes', async () => {
    const clock = new ManualClock();
    const variants = variantsOf([], {}, { clock });
    const before = (await hub.requests()).length;
    const answer = await variants.of(`hf.co/${repo}`);
    expect(answer.variants.map(({ quantization }) => quantization)).toEqual(['Q8_0', 'Q4_K_M']);
    await variants.of(`hf.co/${repo}:Q8_0`);
    expect((await hub.requests()).length - before).toBe(1);
    clock.advance(6 * 60_000);
    await variants.of(`hf.co/${repo}`);
    expect((await hub.requests()).length - before).toBe(2);
  });

  it('are probed in the Ollama library, which lists no tags', async () => {
    for (const name of ['horse:8b', 'horse:8b-instruct-q4_K_M', 'horse']) {
      const answer = await variantsOf([]).of(name);
      expect(answer.problems).toEqual([]);
      expect(answer.variants.map(({ quantization, sizeBytes }) => [quantization, sizeBytes])).toEqual([
        ['F16', 16_000],
        ['Q8_0', 8_500],
        ['Q5_K_M', 5_700],
        ['Q4_K_M', 4_900],
      ]);
      expect(answer.variants[2]?.get).toEqual({ kind: 'pull', reference: 'horse:8b-instruct-q5_K_M' });
    }
    const before = (await registry.requests()).length;
    expect((await variantsOf([]).of('someone/pony:1b')).variants).toHaveLength(1);
    expect((await registry.requests()).length - before).toBeLessThan(20);
  });

  it('of a model that Ollama keeps are looked for in its library, and can be made by it from F16', async () => {
    const kept = local({
      id: 'horse:8b-instruct-fp16',
      group: 'horse:8b-instruct',
      quantization: 'F16',
      path: null,
      origin: null,
      sizeBytes: 16_000,
    });
    const answer = await variantsOf([kept], {}, { hasLibrary: () => true }).of('horse:8b-instruct-fp16');
    expect(answer.variants.map(({ quantization, get }) => [quantization, get?.kind ?? 'here'])).toEqual([
      ['F16', 'here'],
      ['Q8_0', 'pull'],
      ['Q5_K_M', 'pull'],
      ['Q4_K_M', 'pull'],
      ['Q4_K_S', 'quantize'],
    ]);
  });

  it('can be made here from an F16 file', async () => {
    const source = local({ id: 'mine-f16', group: 'mine', quantization: 'F16', origin: null, sizeBytes: 16_000 });
    const answer = await variantsOf([source], {}, { quantizer }).of('mine-f16');
    expect(answer.variants).toHaveLength(1 + quantizableTypes.length);
    expect(answer.variants.find(({ quantization }) => quantization === 'Q4_K_M')?.get).toEqual({
      kind: 'quantize',
      from: 'mine-f16',
    });
  });

  it('that are here are listed when places cannot be asked, which is told', async () => {
    const away = await variantsOf([local({})], { hubUrl: nowhere }).of('small-horse');
    expect(away.variants).toHaveLength(1);
    expect(away.problems[0]).toContain('takes no connections');
    const kept = local({ id: 'horse:8b', path: null, origin: null });
    await registry.behave({ status: 503 });
    expect((await variantsOf([kept]).of('horse:8b')).problems[0]).toContain('503');
    await registry.behave({ status: null });
    expect((await variantsOf([local({ origin: 'hf.co/ranch/plain' })]).of('small-horse')).problems[0]).toContain(
      'names no quantizations',
    );
  });

  it('that were found until the time was up are listed, and that there may be more is told', async () => {
    await registry.behave({ quietAfter: 3 });
    const answer = await variantsOf([], { timeoutMs: 5_000 }).of('horse:8b');
    expect(answer.variants.map(({ quantization }) => quantization)).toEqual(['Q8_0', 'Q4_K_M']);
    expect(answer.problems[0]).toContain('may be more');
  });

  it('of nothing that is known are an error that says so', async () => {
    await expect(variantsOf([]).of('no such/thing here')).rejects.toThrow('There is no no such/thing here here');
    await expect(variantsOf([]).of('nothing:8b')).rejects.toThrow('The Ollama library has no nothing:8b');
    await expect(variantsOf([]).of('hf.co/no/body')).rejects.toThrow('no/body');
  });
});
