import { describe, expect, it, onTestFinished } from 'vitest';
import { join } from 'node:path';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { rowOf } from '../../../electron/agent/engines/placement/model-rows.ts';
import type { NodeModel } from '../../../electron/agent/engines/placement/node-models.ts';
import { ModelFigures, type ModelFiguresDeps } from '../../../electron/agent/model-figures.ts';
import { Measurements } from '../../../electron/agent/models/measurements.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

const gib = 2 ** 30;
const mib = 2 ** 20;
const held: NonNullable<NodeModel['offers'][number]['held']> = {
  id: 'horse',
  path: '/models/horse.gguf',
  library: null,
  digest: null,
  state: 'loaded',
  progress: null,
  contextLength: 8_192,
  slots: 1,
  memoryBytes: 6 * gib,
  lastUsedMs: null,
};

function modelOf(id: string, loaded: boolean): NodeModel {
  const path = `/models/${id}.gguf`;
  const shape = {
    architecture: 'llama',
    sizeBytes: 5 * gib,
    parameters: 8e9,
    activeShare: 1,
    layers: Array.from({ length: 32 }, () => ({
      kvHeads: 8,
      keyLength: 128,
      valueLength: 128,
      window: null,
      stateBytes: 0,
    })),
    embeddingLength: 4_096,
    vocabularySize: 128_000,
    contextLength: 131_072,
  };
  const common = { id, group: id, sizeBytes: 5 * gib, shape, capabilities: [], selfTest: false, arrivedMs: 0 };
  return {
    ...common,
    quantization: 'Q4_K_M',
    file: { ...common, name: id, path, header: null, chosen: false, digest: null, origin: null, problem: null },
    library: null,
    offers: [{ engineId: 'llama-server', modelId: id, held: loaded ? { ...held, id, path } : null }],
    problem: null,
  };
}

function rig(models: readonly NodeModel[], freeBytes: () => number, ownership: 'owned' | 'adopted' = 'owned') {
  const asked = { rows: 0, engines: 0 };
  const clock = new ManualClock();
  const measurements = new Measurements(
    { file: join(tempFolder(), 'measurements.db') },
    { clock, logger: silentLogger },
  );
  onTestFinished(() => measurements.close());
  const facts = { current: null, pinned: () => false, failure: () => null, lastUsedMs: () => null };
  const deps: ModelFiguresDeps = {
    measurements,
    bandwidth: { current: () => ({ bytesPerS: 62e9, origin: 'measured' }) },
    models: () => models,
    rows: () => {
      asked.rows += 1;
      return models.map((model) => rowOf(model, facts));
    },
    engines: () => {
      asked.engines += 1;
      return [{ id: 'llama-server', kind: 'llama-server', ownership, processes: [] }];
    },
    freeBytes,
  };
  const load = { contextLength: 'auto', parallel: 1, kvType: 'f16' } as const;
  const defaults = { embedded: load, ollama: load, 'llama-server': load, bitnet: load };
  return { asked, measurements, figures: new ModelFigures({ headroomBytes: gib, defaults }, deps) };
}

describe('ModelFigures', () => {
  it('free memory that moves a little around any value changes no row of the list', () => {
    let freeBytes = 20 * gib;
    const { figures } = rig([modelOf('horse', false)], () => freeBytes);
    const before = JSON.stringify(figures.decorated());
    for (const change of [-1, 1, -60 * mib, 60 * mib, -200 * mib, 200 * mib]) {
      freeBytes = 20 * gib + change;
      expect(JSON.stringify(figures.decorated())).toBe(before);
    }
    freeBytes = 18 * gib;
    expect(figures.decorated()[0]?.fit?.freeBytes).toBe(18 * gib);
    freeBytes = 20 * gib;
    expect(figures.decorated()[0]?.fit?.freeBytes).toBe(20 * gib);
  });

  it('looks at the node once for a picture, however many models there are', () => {
    let freeBytes = 20 * gib;
    const models = Array.from({ length: 30 }, (_, index) => modelOf(`horse-${index}`, index < 3));
    const { figures, asked } = rig(models, () => freeBytes);
    figures.decorated();
    expect(asked.rows).toBe(1);
    expect(asked.engines).toBeLessThanOrEqual(2);
    freeBytes = 10 * gib;
    figures.decorated();
    expect(asked.rows).toBe(2);
  });

  it('looks at the node once for all fits that are asked in one go, and anew for the next', async () => {
    let freeBytes = 20 * gib;
    const models = Array.from({ length: 30 }, (_, index) => modelOf(`horse-${index}`, index < 3));
    const { figures, asked } = rig(models, () => freeBytes);
    const ask = () =>
      models.map(({ id, sizeBytes, shape }) =>
        figures.fit({
          modelId: id,
          engineId: 'llama-server',
          engineKind: 'llama-server',
          sizeBytes,
          shape,
          options: { contextLength: 8_192, parallel: 1, kvType: 'f16' },
        }),
      );
    const before = ask();
    expect(asked.rows).toBe(1);
    await Promise.resolve();
    freeBytes = 19 * gib;
    const after = ask();
    expect(asked.rows).toBe(2);
    expect(after.map((fit) => fit.freeBytes)).toEqual(before.map((fit) => fit.freeBytes - gib));
  });

  it('a loaded model gets back what it took, and not the pages of its file that the system calls available', () => {
    const { figures } = rig([modelOf('horse', true)], () => 20 * gib);
    const ownBytes = process.platform === 'linux' ? gib : 6 * gib;
    expect(figures.decorated()[0]?.fit).toMatchObject({ freeBytes: 20 * gib + ownBytes, verdict: 'fits' });
    expect(figures.table({}).rows[0]?.fit.freeBytes).toBe(20 * gib + ownBytes);
  });

  it('names what must go: also what only finishes its answers, and never what somebody else runs', () => {
    const short = (horse: NodeModel, ownership: 'owned' | 'adopted') =>
      rig([horse, modelOf('cow', false)], () => 8 * gib, ownership).figures.decorated()[1]?.fit;
    const horse = modelOf('horse', true);
    expect(short(horse, 'owned')).toMatchObject({ verdict: 'after-unload', unload: ['horse'] });
    const offers = horse.offers.map((offer) => ({ ...offer, held: { ...held, state: 'unloading' as const } }));
    expect(short({ ...horse, offers }, 'owned')).toMatchObject({ verdict: 'after-unload', unload: ['horse'] });
    expect(short(horse, 'adopted')?.unload).toEqual([]);
  });

  it('shows a measured speed as soon as there is one', () => {
    const { figures, measurements } = rig([modelOf('horse', true)], () => 20 * gib);
    expect(figures.decorated()[0]).toMatchObject({ measured: null, fit: { measured: false } });
    for (const tokensPerSecond of [9, 11, 13]) {
      measurements.record({
        model: { digest: null, id: 'horse', sizeBytes: 5 * gib },
        quantization: 'Q4_K_M',
        engineId: 'llama-server',
        contextLength: 8_192,
        tokensPerSecond,
        prefillTokensPerSecond: null,
      });
      expect(figures.decorated()[0]?.fit?.measured).toBe(true);
    }
    expect(figures.decorated()[0]).toMatchObject({ tokensPerSecond: 11, fit: { tokensPerSecond: 11 } });
  });
});
