import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { EmbeddedUpstream, mendsItself } from '../../../../electron/agent/engines/embedded/embedded-upstream.ts';

const model = { id: 'small', path: '/m/small.gguf', sizeBytes: 1, selfTest: false };

function upstream(state: 'stopped' | 'failed' | 'loading', choice: typeof model | null): EmbeddedUpstream {
  return new EmbeddedUpstream(
    { id: 'embedded' },
    { clock: new ManualClock(), state: () => state, draining: () => false, sentence: () => 'So.', model: () => choice },
  );
}

describe('whether callers are asked to come back', () => {
  it('is yes while the engine starts, and no once it waits for somebody', () => {
    expect(upstream('loading', model).describe()).toMatchObject({ ready: false, comesUp: true });
    expect(upstream('stopped', model).describe()).toMatchObject({ ready: false, comesUp: false });
    expect(upstream('failed', model).describe()).toMatchObject({ ready: false, comesUp: false });
  });

  it('is no without a model', () => {
    expect(upstream('loading', null).describe().comesUp).toBe(false);
  });

  it('is yes in a backoff, which ends by itself', () => {
    expect(mendsItself('backoff')).toBe(true);
  });
});
