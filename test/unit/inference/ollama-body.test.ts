import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { withHeededThink, withoutReloadOptions } from '../../../electron/agent/inference/ollama-body.ts';

it('takes out what would reload or unload the model, and nothing else', () => {
  const body = {
    model: 'm',
    stream: true,
    keep_alive: 0,
    options: { num_ctx: 8, Num_Batch: 1, num_gpu: 0, num_thread: 2, use_mmap: false, temperature: 0.5, num_predict: 7 },
  };
  const { body: kept, removed } = withoutReloadOptions(body);
  expect(kept).toEqual({ model: 'm', stream: true, options: { temperature: 0.5, num_predict: 7 } });
  expect(removed).toEqual([
    'options.num_ctx',
    'options.Num_Batch',
    'options.num_gpu',
    'options.num_thread',
    'options.use_mmap',
    'keep_alive',
  ]);
  expect(body.options.num_ctx).toBe(8);
});

it('leaves any other body as it is', () => {
  const plain = { model: 'm', options: { temperature: 1 } };
  expect(withoutReloadOptions(plain).body).toBe(plain);
  expect(withoutReloadOptions({ options: 'num_ctx' })).toEqual({ body: { options: 'num_ctx' }, removed: [] });
});

it('whatever comes in, no reloading option goes out', () => {
  const json = fc.dictionary(fc.constantFrom('options', 'keep_alive', 'KEEP_ALIVE', 'model'), fc.jsonValue());
  const options = fc.dictionary(fc.constantFrom('num_ctx', 'NUM_CTX', 'numa', 'seed'), fc.jsonValue());
  fc.assert(
    fc.property(json, options, (body, given) => {
      const text = JSON.stringify(withoutReloadOptions({ ...body, options: given }).body);
      expect(text).not.toMatch(/"num_ctx":|"numa":|^\{"keep_alive"|,"keep_alive":/i);
    }),
  );
});

it('a model that does not think is not asked to, and a level goes only where levels are', () => {
  const plain = { thinks: false, architecture: 'llama' };
  const thinking = { thinks: true, architecture: 'qwen3' };
  expect(withHeededThink({ a: 1, think: true }, plain)).toEqual({ a: 1 });
  expect(withHeededThink({ a: 1, think: 'low' }, { thinks: null, architecture: null })).toEqual({ a: 1 });
  expect(withHeededThink({ think: 'low' }, thinking)).toEqual({ think: true });
  expect(withHeededThink({ think: 'low' }, { thinks: true, architecture: 'gptoss' })).toEqual({ think: 'low' });
  for (const body of [{ a: 1 }, { think: false }]) expect(withHeededThink(body, plain)).toBe(body);
  const asked = { think: true };
  expect(withHeededThink(asked, thinking)).toBe(asked);
});
