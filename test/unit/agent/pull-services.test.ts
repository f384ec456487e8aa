import { expect, it } from 'vitest';
import type { NodeModel } from '../../../electron/agent/engines/placement/node-models.ts';
import { makeOrder } from '../../../electron/agent/pull-services.ts';

const ofLibrary: NodeModel = {
  id: 'horse:f16@ollama',
  group: 'horse',
  quantization: 'F16',
  file: null,
  library: null,
  sizeBytes: 1,
  shape: null,
  capabilities: [],
  selfTest: false,
  arrivedMs: 0,
  offers: [{ engineId: 'ollama', modelId: 'horse:f16', held: null }],
  problem: null,
};
const engines = { nodeModels: () => [ofLibrary] };

it('a quantization of a library model is made from the name that its engine knows', () => {
  const order = { model: 'horse:f16@ollama', quantization: 'Q4_K_M', use: false };
  expect(makeOrder(engines, order)).toEqual({ from: 'horse:f16', path: null, quantization: 'Q4_K_M', use: false });
});

it('a quantization of a model that is not here is refused', () => {
  const order = { model: 'mare', quantization: 'Q4_K_M', use: false };
  expect(() => makeOrder(engines, order)).toThrow('There is no model mare');
});
