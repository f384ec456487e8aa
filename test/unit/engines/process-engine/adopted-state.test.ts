import { describe, expect, it } from 'vitest';
import {
  adoptedModelId,
  judgePoll,
  pollState,
  type AdoptedState,
  type Poll,
} from '../../../../electron/agent/engines/process-engine/adopted-state.ts';

const unseen: AdoptedState = { kind: 'unseen', sinceMs: 0, silentPolls: 0 };
const answers = (status: number, json: unknown = {}): Poll => ({ kind: 'answer', status, json, aliases: null });
const props = (model: string) => ({ total_slots: 1, model_path: model, default_generation_settings: { n_ctx: 512 } });
const idle = (nowMs: number) => ({ nowMs, busy: false });

/** The states that the polls lead to, one after the other, a second apart. */
function after(...polls: readonly Poll[]): AdoptedState[] {
  const states: AdoptedState[] = [];
  for (const poll of polls) states.push(judgePoll(states.at(-1) ?? unseen, poll, idle(states.length * 1_000)));
  return states;
}

describe('judgePoll', () => {
  it('F10 sees it load, serve, go and come back', () => {
    const up = answers(200, props('/m/a.gguf'));
    const states = after({ kind: 'refused' }, answers(503), up, up, { kind: 'refused' }, up);
    expect(states.map(({ kind }) => kind)).toEqual(['unseen', 'loading', 'up', 'up', 'gone', 'up']);
    expect(states.map(({ sinceMs }) => sinceMs)).toEqual([0, 1_000, 2_000, 2_000, 4_000, 5_000]);
    expect(states.map(pollState)).toEqual(['absent', 'loading', 'adopted', 'adopted', 'absent', 'adopted']);
  });

  it('knows when its owner gave it another model', () => {
    const [first, second] = after(answers(200, props('/m/a.gguf')), answers(200, props('/m/b.gguf')));
    expect(first).toMatchObject({ kind: 'up', sinceMs: 0 });
    expect(second).toMatchObject({ kind: 'up', sinceMs: 1_000 });
  });

  it('tells a wrong key from a wrong program', () => {
    expect(after(answers(401))[0]?.kind).toBe('locked');
    expect(after(answers(404))[0]?.kind).toBe('foreign');
    expect(after(answers(200, { hello: 1 }))[0]?.kind).toBe('foreign');
  });

  it('F4 silence is held against it only when it lasts and no answer is under way', () => {
    let state: AdoptedState = judgePoll(unseen, answers(200, props('/m/a.gguf')), idle(0));
    for (let poll = 0; poll < 100; poll += 1)
      state = judgePoll(state, { kind: 'silence' }, { nowMs: poll, busy: true });
    expect(state.kind).toBe('up');
    for (let poll = 0; poll < 11; poll += 1) state = judgePoll(state, { kind: 'silence' }, idle(poll));
    expect(state.kind).toBe('up');
    state = judgePoll(state, { kind: 'silence' }, idle(99));
    expect(state.kind).toBe('silent');
  });
});

describe('adoptedModelId', () => {
  it.each([
    [{ data: [{ id: 'mine' }] }, '/m/a.gguf', 'mine'],
    [{ data: [{ id: '/models/Falcon3-10B.i2_s.gguf' }] }, null, 'falcon3-10b.i2_s'],
    [{ data: [{ id: 'C:\\models\\A.gguf' }] }, null, 'a'],
    [undefined, '/m/B.gguf', 'b'],
    [{ data: [] }, null, null],
  ])('%j %j', (models, modelPath, id) => {
    expect(adoptedModelId(models, modelPath)).toBe(id);
  });
});
