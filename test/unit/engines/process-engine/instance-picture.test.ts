import { describe, expect, it } from 'vitest';
import {
  isRising,
  supervisedPart,
  whyNotUp,
} from '../../../../electron/agent/engines/process-engine/instance-picture.ts';
import {
  initialRecord,
  type EngineRecord,
  type EngineState,
} from '../../../../electron/agent/engines/supervisor/transition.ts';

const since = { wallMs: 0, monotonicMs: 0, random: 0 };
const record = (state: EngineState): EngineRecord => ({ ...initialRecord(since), state });
const stopping = (then: 'stopped' | 'starting'): EngineState => ({ kind: 'stopping', since, pid: 1, then });
const failed: EngineState = { kind: 'failed', since, cause: 'deaths' };
const noLine = (): null => null;

describe('a model in a process of its own', () => {
  it.each<[EngineState, boolean]>([
    [{ kind: 'starting', since }, true],
    [{ kind: 'loading', since, pid: 1 }, true],
    [{ kind: 'backoff', since, delayMs: 1 }, true],
    [stopping('starting'), true],
    [stopping('stopped'), false],
    [{ kind: 'stopped', since }, false],
    [failed, false],
    [{ kind: 'conflict', since }, false],
  ])('comes up by itself: %j → %s', (state, rises) => {
    expect(isRising(record(state), false)).toBe(rises);
  });

  it('that is ready comes up by itself only while it takes no requests', () => {
    const ready = record({ kind: 'ready', since, pid: 1 });
    expect(isRising(ready, false)).toBe(true);
    expect(isRising(ready, true)).toBe(false);
  });

  it('is waited for while it may still come up', () => {
    const waits: EngineState[] = [
      { kind: 'starting', since },
      { kind: 'loading', since, pid: 1 },
      { kind: 'backoff', since, delayMs: 1 },
      stopping('starting'),
      { kind: 'ready', since, pid: 1 },
    ];
    for (const state of waits) expect(whyNotUp(record(state), 'horse', noLine)).toBeNull();
  });

  it('is given up with the reason, and with the engine’s last word where its file is no good', () => {
    const backoff = record({ kind: 'backoff', since, delayMs: 1 });
    expect(whyNotUp(backoff, 'horse', () => 'invalid magic')).toMatchObject({
      code: 'model_unusable',
      message: expect.stringContaining('last word: invalid magic') as unknown,
    });
    expect(whyNotUp(record(failed), 'horse', noLine)).toMatchObject({ code: 'engine_failed' });
    expect(whyNotUp(record({ kind: 'conflict', since }), 'horse', noLine)).toMatchObject({ code: 'engine_failed' });
    expect(whyNotUp(record({ kind: 'stopped', since }), 'horse', noLine)).toMatchObject({ code: 'engine_not_ready' });
  });

  it('says that it drains only while it is ready', () => {
    expect(supervisedPart(record({ kind: 'ready', since, pid: 1 }), true).state).toBe('draining');
    expect(supervisedPart(record({ kind: 'loading', since, pid: 1 }), true).state).toBe('loading');
    expect(supervisedPart(record({ kind: 'ready', since, pid: 1 }), false).state).toBe('ready');
  });
});
