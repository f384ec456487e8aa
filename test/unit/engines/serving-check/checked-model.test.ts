import { expect, it } from 'vitest';
import { checkedModelOf } from '../../../../electron/agent/engines/serving-check/checked-model.ts';
import { engine, model } from '../../telemetry/node-parts.ts';

it('of a model in an engine’s own library nothing is made up', () => {
  const adopted = { ...engine, id: 'ollama', kind: 'ollama' as const, ownership: 'adopted' as const };
  expect(checkedModelOf({ ...model, contextLength: 4_096 }, adopted, null)).toMatchObject({
    engineId: 'ollama',
    engineKind: 'ollama',
    owned: false,
    modelId: 'falcon3',
    contextLength: 4_096,
    trainedContextLength: null,
    hasChatTemplate: null,
    prefillTokensPerSecond: null,
  });
});

it('a measured speed goes before an expected one', () => {
  const measured = {
    tokensPerSecond: 10,
    prefillTokensPerSecond: 150,
    count: 3,
    engineId: 'embedded',
    contextLength: null,
  };
  expect(checkedModelOf({ ...model, measured }, engine, null).prefillTokensPerSecond).toBe(150);
});
