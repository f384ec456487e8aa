import { describe, expect, it } from 'vitest';
import { readinessOf } from '../../../build/starting/readiness.ts';
import { type EngineSnapshot } from '../../../electron/contract/snapshot.ts';
import { exampleEngine, exampleModel } from '../../fixtures/example-snapshot.ts';

const inState = (state: EngineSnapshot['state']): EngineSnapshot =>
  exampleEngine({ state, sentence: `It is ${state}.` });
const judge = (...engines: readonly EngineSnapshot[]) =>
  readinessOf({ models: [exampleModel()], engines: [...engines] });

describe('readinessOf', () => {
  it('is ready when the engine of the default model is, ours or found', () => {
    expect(judge(inState('ready'))).toEqual({ state: 'ready' });
    expect(judge(inState('adopted'))).toEqual({ state: 'ready' });
  });

  it.each(['starting', 'loading', 'backoff'] as const)('waits while the engine is %s', (state) => {
    expect(judge(inState(state))).toEqual({ state: 'waiting', sentence: `It is ${state}.` });
  });

  it.each(['failed', 'stopped', 'absent', 'conflict'] as const)('does not wait for one that is %s', (state) => {
    expect(judge(inState(state))).toEqual({ state: 'stuck', sentence: `It is ${state}.` });
  });

  it('looks at the engine that holds the default model, not at another', () => {
    const other = exampleEngine({ id: 'other', state: 'ready' });
    expect(judge(other, inState('loading')).state).toBe('waiting');
  });

  it('says so when there is no engine', () => {
    expect(judge().state).toBe('stuck');
  });
});
