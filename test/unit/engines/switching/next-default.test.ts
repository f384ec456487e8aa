import { describe, expect, it } from 'vitest';
import type { EngineView } from '../../../../electron/agent/engines/placement/engine-view.ts';
import { mergeModels } from '../../../../electron/agent/engines/placement/node-models.ts';
import {
  nextDefault,
  type NextDefault,
  type NextDefaultQuestion,
} from '../../../../electron/agent/engines/switching/next-default.ts';
import type { CatalogModel } from '../../../../electron/agent/models/catalog-model.ts';
import { engineView, held } from '../placement/views.ts';
import { headerWith, libraryModel, modelFile } from './engines-with-fakes.ts';

const horse = modelFile('horse', { header: headerWith('Q4_K_M') });
const atHorse = { modelId: 'horse', engineId: 'llama-server' };

function decide(
  files: readonly CatalogModel[],
  engines: readonly EngineView[],
  more: Partial<NextDefaultQuestion> = {},
): NextDefault {
  const view = { ...mergeModels(files, engines), engines };
  return nextDefault({ view, wish: null, current: null, failed: () => false, fits: () => true, ...more });
}

describe('the default model', () => {
  it('is switched to where it is another one, and stays where nothing is better', () => {
    const engine = engineView('llama-server', { models: [held('horse', { path: horse.path })] });
    expect(decide([horse], [engine])).toEqual({ kind: 'switch', spot: atHorse });
    expect(decide([horse], [engine], { current: atHorse })).toEqual({ kind: 'stays' });
  });

  it('is loaded again where its engine holds it no more', () => {
    expect(decide([horse], [engineView('llama-server')], { current: atHorse })).toEqual({
      kind: 'switch',
      spot: atHorse,
    });
  });

  it('is none once it is gone from the node, and not before', () => {
    expect(decide([], [engineView('llama-server')], { current: atHorse })).toEqual({ kind: 'none' });
    expect(decide([], [engineView('llama-server')])).toEqual({ kind: 'stays' });
    // What failed is still there: its place is kept until something else can have it.
    expect(decide([horse], [engineView('llama-server')], { current: atHorse, failed: () => true })).toEqual({
      kind: 'stays',
    });
  });

  it('of a library is pointed to without being loaded, unless the operator named it', () => {
    const ollama = engineView('ollama', {
      models: [held('gemma', { state: 'idle', library: libraryModel('gemma') })],
    });
    const spot = { modelId: 'gemma', engineId: 'ollama' };
    expect(decide([], [ollama])).toMatchObject({ kind: 'on-demand', choice: { model: { id: 'gemma' } } });
    expect(decide([], [ollama], { current: spot })).toEqual({ kind: 'stays' });
    expect(decide([], [ollama], { wish: 'gemma' })).toEqual({ kind: 'switch', spot });
  });
});
