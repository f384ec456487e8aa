import { describe, expect, it } from 'vitest';
import { queryAnswerSchemas } from '../../../electron/contract/control.ts';
import { fitAnswer, type InstalledModel, type TableFacts } from '../../../electron/agent/models/fit-table.ts';
import { machineOf } from '../../../electron/agent/models/fit.ts';
import { knownModels } from '../../../electron/agent/models/known-models.ts';

const gb = 1e9;
const facts = (change: Partial<TableFacts> = {}): TableFacts => ({
  installed: [],
  machine: machineOf({ ramBytes: 24 * gb, bandwidthBytesPerS: 20 * gb }),
  bandwidthOrigin: 'measured',
  ...change,
});
const row = (answer: ReturnType<typeof fitAnswer>, id: string) => {
  const found = answer.rows.find((each) => each.id === id);
  if (!found) throw new Error(`no row ${id}`);
  return found.fit;
};

describe('fitAnswer', () => {
  it('a machine of 96 GB takes all well-known models, at the speeds that such boxes have', () => {
    const answer = fitAnswer({ ramGb: 96, bandwidthGbPerS: 62 }, facts());
    expect(queryAnswerSchemas.fit.parse(answer)).toEqual(answer);
    expect(answer).toMatchObject({ ramBytes: 96 * 2 ** 30, bandwidthBytesPerS: 62 * gb, bandwidthOrigin: 'given' });
    expect(answer.rows).toHaveLength(6);
    expect(answer.rows.every(({ fit }) => fit.verdict === 'fits')).toBe(true);
    const falcon = row(answer, 'falcon3-10b-instruct-1.58bit-i2_s');
    expect(falcon.weightsBytes / gb).toBeCloseTo(3.99, 1);
    expect(falcon.tokensPerSecond).toBeGreaterThan(16);
    expect(falcon.tokensPerSecond).toBeLessThan(20);
    const llama = row(answer, 'llama-3.1-8b-instruct-q4_k_m');
    expect(llama.tokensPerSecond).toBeGreaterThan(12);
    expect(llama.tokensPerSecond).toBeLessThan(13.5);
    const qwen = row(answer, 'qwen3-coder-next-q4_k_m');
    expect(qwen.weightsBytes).toBe(48.5 * gb);
    expect(qwen.tokensPerSecond).toBeGreaterThan(20);
    expect(qwen.tokensPerSecond).toBeLessThan(32);
    // Twelve layers with attention and 36 states of 2.1 MB.
    expect(qwen.kvBytes).toBe(12 * 2 * 512 * 2 * 32_768 + 36 * 4 * (128 * 4_096 + 3 * 8_192));
  });

  it('a machine of 32 GB does not take the 80B model, and the rest', () => {
    const answer = fitAnswer({ ramGb: 32, bandwidthGbPerS: 38 }, facts());
    expect(answer.rows.map(({ fit }) => fit.verdict)).toEqual(['fits', 'fits', 'fits', 'fits', 'fits', 'too-big']);
    expect(row(answer, 'qwen3-coder-next-q4_k_m').largestContextLength).toBeNull();
    const speeds = answer.rows.slice(1, 5).map(({ fit }) => fit.tokensPerSecond ?? 0);
    expect(speeds).toEqual([...speeds].sort((a, b) => b - a));
    for (const { fit } of answer.rows) {
      expect(fit.weightsBytes + fit.kvBytes + fit.computeBytes + fit.headroomBytes).toBe(fit.neededBytes);
    }
  });

  it('installed models come first, with what was measured on this machine, and only here', () => {
    const [known] = knownModels().slice(1);
    if (!known) throw new Error('no known model');
    const mine: InstalledModel = {
      id: 'mine',
      name: 'Mine',
      group: 'mine-group',
      quantization: 'Q4_K_M',
      sizeBytes: known.shape.sizeBytes,
      shape: known.shape,
      measured: {
        tokensPerSecond: 4.5,
        prefillTokensPerSecond: 30,
        count: 5,
        engineId: 'ollama',
        contextLength: 4_096,
      },
      loadedBytes: 6 * gb,
      engineKind: 'llama-server',
    };
    const loaded = [{ id: 'mine', memoryBytes: 6 * gb, pinned: false }];
    const here = facts({ installed: [mine], machine: { ...facts().machine, availableBytes: 5 * gb, loaded } });
    const answer = fitAnswer({ contextLength: 4_096 }, here);
    expect(answer).toMatchObject({ ramBytes: 24 * gb, bandwidthOrigin: 'measured' });
    expect(answer.rows[0]).toMatchObject({
      id: 'mine',
      installed: true,
      fit: { verdict: 'fits', measured: true, tokensPerSecond: 4.5, prefillTokensPerSecond: 30 },
    });
    // A well-known model beside it would have to push it out.
    expect(row(answer, 'llama-3.1-8b-instruct-q5_k_m')).toMatchObject({ verdict: 'after-unload', unload: ['mine'] });
    const elsewhere = fitAnswer({ ramGb: 96, bandwidthGbPerS: 62, model: 'mine-group' }, here);
    expect(elsewhere.rows).toHaveLength(1);
    expect(elsewhere.rows[0]?.fit).toMatchObject({ measured: false, verdict: 'fits' });
    expect(fitAnswer({ model: 'Llama-3.1-8B-Instruct' }, here).rows).toHaveLength(4);
    expect(fitAnswer({ model: 'nothing' }, here).rows).toEqual([]);
  });

  it('a model whose header tells too little is shown as unknown', () => {
    const dark: InstalledModel = {
      id: 'dark',
      name: 'Dark',
      group: 'dark',
      quantization: null,
      sizeBytes: 3 * gb,
      shape: null,
      measured: null,
      loadedBytes: null,
      engineKind: 'ollama',
    };
    const { rows } = fitAnswer({ model: 'dark' }, facts({ installed: [dark] }));
    expect(rows[0]?.fit).toMatchObject({ verdict: 'unknown', weightsBytes: 3 * gb });
  });
});
