import { describe, expect, it } from 'vitest';
import { besideTools } from '../../../../electron/agent/gateway/dispatch/beside-tools.ts';
import type { ServedModel } from '../../../../electron/agent/inference/upstream.ts';

const plain: ServedModel = {
  id: 'm',
  contextLength: 4_096,
  capabilities: ['chat', 'tools'],
  sizeBytes: 0,
  loaded: true,
  createdAtS: 0,
};
const picky = { ...plain, toolsNeedNoThinking: true };
const tools = [{ type: 'function', function: { name: 'weather', parameters: {} } }];
const asked = { model: 'm', messages: [] };

describe('besideTools', () => {
  it('tells a model not to think that takes tools in no other way', () => {
    expect(besideTools({ ...asked, tools }, picky)).toEqual({ ...asked, tools, reasoning_effort: 'none' });
    const unset = { ...asked, tools, reasoning_effort: null };
    expect(besideTools(unset, picky)).toEqual({ ...asked, tools, reasoning_effort: 'none' });
  });

  it.each([
    ['another model', { ...asked, tools }, plain],
    ['a request without tools', asked, picky],
    ['one with an empty list of them', { ...asked, tools: [] }, picky],
    ['a caller who says how much it is to think', { ...asked, tools, reasoning_effort: 'high' }, picky],
  ])('changes nothing for %s', (_name, body, model) => {
    expect(besideTools(body, model)).toBe(body);
  });
});
