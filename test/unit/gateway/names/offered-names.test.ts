import { describe, expect, it } from 'vitest';
import { policySchema } from '../../../../electron/contract/keys.ts';
import { settingsSchema } from '../../../../electron/agent/config/settings.ts';
import { offeredNames } from '../../../../electron/agent/gateway/names/offered-names.ts';
import { model, option } from '../routing/route-world.ts';

const { names } = settingsSchema.parse({
  names: { fast: 'qwen', bob: { model: 'openai/gpt' }, lost: 'gone', ring: 'rong', rong: 'ring' },
});
const upstreams = [
  option('local', 'a', { models: [model('qwen')], defaultModel: 'qwen' }).upstream,
  option('cloud', 'openai', { models: [model('gpt')], defaultModel: null }).upstream,
];

function offered(policy: object = {}): [string, string | null][] {
  return offeredNames(names, policySchema.parse(policy), upstreams).map((each) => [each.id, each.model]);
}

describe('offeredNames', () => {
  it('lists the virtual models and the operator’s names with what is behind them, but no circles', () => {
    expect(offered()).toEqual([
      ['ranch/auto', 'qwen'],
      ['ranch/local', 'qwen'],
      ['ranch/routine', 'qwen'],
      ['ranch/quality', 'qwen'],
      ['fast', 'qwen'],
      ['bob', 'openai/gpt'],
      ['lost', null],
    ]);
  });

  it('leaves out what the key may not name, and has its own model answer ranch/auto', () => {
    expect(offered({ models: ['ranch/auto', 'b*'], defaultModel: 'bob' })).toEqual([
      ['ranch/auto', 'openai/gpt'],
      ['bob', 'openai/gpt'],
    ]);
  });

  it('offers them without any upstream too', () => {
    expect(offeredNames({}, policySchema.parse({}), []).map((each) => each.model)).toEqual([null, null, null, null]);
  });

  it('lists a purpose where offloading is open and one of its models is there', () => {
    const purposes = (isOpen: boolean, standIns: Record<string, string[]>): [string, string | null][] =>
      offeredNames({}, policySchema.parse({}), upstreams, { isOpen, standIns: (name) => standIns[name] ?? [] })
        .filter(({ id }) => ['ranch/code', 'ranch/live'].includes(id))
        .map(({ id, model, sentence }) => [id, /^For .*\.$/.test(sentence) ? model : null]);
    const set = { 'ranch/code': ['gone/x', 'openai/gpt'], 'ranch/live': ['gone/x'] };
    expect(purposes(true, set)).toEqual([['ranch/code', 'openai/gpt']]);
    expect(purposes(false, set)).toEqual([]);
    expect(purposes(true, {})).toEqual([]);
  });
});
