import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  automaticContext,
  estimateFit,
  machineOf,
  type FitMachine,
  type FitOptions,
  type FitSubject,
  type LoadedModel,
} from '../../../electron/agent/models/fit.ts';
import type { ModelShape } from '../../../electron/agent/models/model-shape.ts';

const gb = 1e9;
const gib = 2 ** 30;
/** Llama 3.1 8B in Q4_K_M. */
const shape: ModelShape = {
  architecture: 'llama',
  sizeBytes: 4.92 * gb,
  parameters: 8.03e9,
  activeShare: 0.94,
  layers: Array.from({ length: 32 }, () => ({
    kvHeads: 8,
    keyLength: 128,
    valueLength: 128,
    window: null,
    stateBytes: 0,
  })),
  embeddingLength: 4_096,
  feedForwardLength: 14_336,
  headCount: 32,
  vocabularySize: 128_256,
  contextLength: 131_072,
};
const subject: FitSubject = { shape, measured: null };
const machine: FitMachine = { ...machineOf({ ramBytes: 32 * gib, bandwidthBytesPerS: 62 * gb, headroomBytes: gb }) };
const options: FitOptions = { contextLength: 8_192, parallel: 1, kvType: 'f16', engineKind: 'llama-server' };
const loadedModel = (id: string, memoryBytes: number, change: Partial<LoadedModel> = {}): LoadedModel => ({
  id,
  memoryBytes,
  pinned: false,
  ...change,
});

describe('estimateFit', () => {
  it('shows each term, and their sum', () => {
    const fit = estimateFit(subject, machine, options);
    expect(fit).toMatchObject({
      verdict: 'fits',
      weightsBytes: 4.92 * gb,
      kvBytes: 2 ** 30,
      headroomBytes: gb,
      freeBytes: 30 * gib,
      contextLength: 8_192,
      largestContextLength: 131_072,
      measured: false,
      unload: [],
      sentence: 'Needs 6.7 GB, 30 GB are free.',
    });
    expect(fit.neededBytes).toBe(fit.weightsBytes + fit.kvBytes + fit.computeBytes + fit.headroomBytes);
  });

  it('expects what such boxes give: 12–13 tokens/s, and 120–190 while the prompt is read', () => {
    const fit = estimateFit(subject, machine, options);
    expect(fit.tokensPerSecond).toBeGreaterThan(12);
    expect(fit.tokensPerSecond).toBeLessThan(13.5);
    expect(fit.prefillTokensPerSecond).toBeGreaterThan(120);
    expect(fit.prefillTokensPerSecond).toBeLessThan(190);
  });

  it('measured speeds replace the reckoned ones', () => {
    const measured = {
      tokensPerSecond: 9.5,
      prefillTokensPerSecond: null,
      count: 3,
      engineId: 'x',
      contextLength: null,
    };
    const fit = estimateFit({ shape, measured }, machine, options);
    expect(fit).toMatchObject({ tokensPerSecond: 9.5, measured: true });
    expect(fit.prefillTokensPerSecond).toBeGreaterThan(100);
  });

  it('says nothing of speeds that nothing tells', () => {
    const fit = estimateFit(subject, { ...machine, bandwidthBytesPerS: null, computeOpsPerS: null }, options);
    expect(fit).toMatchObject({ tokensPerSecond: null, prefillTokensPerSecond: null });
  });

  it('names what must be unloaded: the least used first, none that is pinned, none in vain', () => {
    const loaded = [
      loadedModel('small', 0.5 * gb),
      loadedModel('pinned', 20 * gb, { pinned: true }),
      loadedModel('large', 6 * gb),
      loadedModel('latest', 9 * gb),
    ];
    const fit = estimateFit(subject, { ...machine, availableBytes: 2 * gb, loaded }, options);
    expect(fit).toMatchObject({ verdict: 'after-unload', unload: ['large'] });
    expect(fit.sentence).toBe('Needs 6.7 GB, 1.9 GB are free: large must be unloaded first.');
    const onlyPinned = estimateFit(
      subject,
      { ...machine, availableBytes: 2 * gb, loaded: loaded.slice(0, 2) },
      options,
    );
    expect(onlyPinned).toMatchObject({ verdict: 'too-big', unload: [] });
  });

  it('does not count the pages of a mapped model in use as free, though the system does', () => {
    const loaded = [loadedModel('other', 12 * gb, { mappedBytes: 10 * gb })];
    const fit = estimateFit(subject, { ...machine, availableBytes: 14 * gb, loaded }, options);
    expect(fit).toMatchObject({ freeBytes: 4 * gb, verdict: 'after-unload', unload: ['other'] });
  });

  it('a loaded model need not find its memory again', () => {
    const full = { ...machine, availableBytes: 1.5 * gb };
    expect(estimateFit(subject, full, options).verdict).toBe('too-big');
    expect(estimateFit({ ...subject, loadedBytes: 6.2 * gb }, full, options).verdict).toBe('fits');
  });

  it('is tight where only the reserve makes room', () => {
    const fit = estimateFit(subject, { ...machine, availableBytes: 6.9 * gb }, options);
    expect(fit.verdict).toBe('tight');
    expect(fit.sentence).toContain('only into the 0.9 GB kept free');
  });

  it('says which context would fit, or that not even the weights do', () => {
    const lessContext = estimateFit(
      subject,
      { ...machine, availableBytes: 7 * gb },
      { ...options, contextLength: 32_768 },
    );
    expect(lessContext.verdict).toBe('too-big');
    expect(lessContext.sentence).toContain(`A context of ${lessContext.largestContextLength ?? 0} fits.`);
    const hopeless = estimateFit(subject, { ...machine, availableBytes: 4 * gb }, options);
    expect(hopeless).toMatchObject({ verdict: 'too-big', largestContextLength: null });
    expect(hopeless.sentence).toContain('Take a smaller quantization');
  });

  it('takes as much context by itself as fits, and would rather unload than give too little', () => {
    const auto: FitOptions = { ...options, contextLength: 'auto' };
    expect(estimateFit(subject, machine, auto).contextLength).toBe(32_768);
    expect(estimateFit(subject, machine, { ...auto, engineKind: 'embedded' }).contextLength).toBe(8_192);
    const less = estimateFit(subject, { ...machine, availableBytes: 8 * gb }, auto);
    expect(less.verdict).toBe('fits');
    expect(less.contextLength).toBeGreaterThanOrEqual(8_192);
    expect(less.contextLength).toBeLessThan(32_768);
    const cramped = estimateFit(
      subject,
      { ...machine, availableBytes: 6.7 * gb, loaded: [loadedModel('other', 9 * gb)] },
      auto,
    );
    expect(cramped).toMatchObject({ verdict: 'after-unload', contextLength: 32_768, unload: ['other'] });
    expect(estimateFit({ ...subject, shape: { ...shape, contextLength: 2_048 } }, machine, auto).contextLength).toBe(
      2_048,
    );
    expect(automaticContext('bitnet')).toBe(4_096);
  });

  it('is unknown where the file does not tell what its context takes, unless the weights alone are too big', () => {
    const untold = { ...subject, shape: { ...shape, layers: [] } };
    expect(estimateFit(untold, machine, options)).toMatchObject({ verdict: 'unknown', largestContextLength: null });
    expect(estimateFit(untold, { ...machine, availableBytes: 4 * gb }, options).verdict).toBe('too-big');
  });

  it('holds for any machine: the sum is right, what is unloaded suffices, the largest context is the largest', () => {
    const models = fc.array(fc.record({ memoryBytes: fc.integer({ min: 0, max: 40 * gb }), pinned: fc.boolean() }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 64 * gb }),
        models,
        fc.constantFrom('f16', 'q8_0', 'q4_0'),
        fc.integer({ min: 1, max: 8 }),
        (availableBytes, drafts, kvType, parallel) => {
          const loaded = drafts.map((draft, index) =>
            loadedModel(String(index), draft.memoryBytes, { pinned: draft.pinned }),
          );
          const at = { ...machine, totalBytes: 64 * gb, availableBytes, loaded };
          const asked = { ...options, kvType, parallel } as FitOptions;
          const fit = estimateFit(subject, at, asked);
          const freed = loaded.filter(({ id }) => fit.unload.includes(id));
          expect(freed.every(({ pinned }) => !pinned)).toBe(true);
          const room = fit.freeBytes + freed.reduce((sum, model) => sum + model.memoryBytes, 0);
          expect(room >= fit.neededBytes).toBe(fit.verdict === 'fits' || fit.verdict === 'after-unload');
          if (fit.verdict === 'after-unload') {
            for (const model of freed) expect(room - model.memoryBytes).toBeLessThan(fit.neededBytes);
          }
          const largest = fit.largestContextLength;
          if (largest === null || largest === shape.contextLength) return;
          const all = {
            ...at,
            loaded: [],
            availableBytes: fit.freeBytes + loaded.reduce((sum, m) => sum + (m.pinned ? 0 : m.memoryBytes), 0),
            totalBytes: Infinity,
          };
          expect(estimateFit(subject, all, { ...asked, contextLength: largest }).verdict).toBe('fits');
          expect(estimateFit(subject, all, { ...asked, contextLength: largest + 256 }).verdict).not.toBe('fits');
        },
      ),
    );
  });
});
