import { describe, expect, it } from 'vitest';
import { selfTestSentence, selfTestToolCall } from '../../../../../build/self-test-model.ts';
import { toolTemplateOf } from '../../../../../electron/agent/engines/embedded/child/tool-template.ts';
import type { ChatMessage } from '../../../../../electron/agent/engines/embedded/child/request.ts';

const words = { bos: '<s>', eos: '</s>' };
const tool = { name: 'get_weather', description: 'Weather', parameters: { type: 'object', properties: {} } };
const talk: readonly ChatMessage[] = [
  { role: 'system', content: 'Be kind.' },
  { role: 'user', content: 'Rain?' },
  { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'get_weather', arguments: '{"city":"Oslo"}' }] },
  { role: 'tool', content: 'yes', callId: '1', name: null },
];

/** In the manner of templates that put the caller's text of the arguments between others. */
const textual =
  "{{ bos_token }}[AVAILABLE_TOOLS]{{ tools | tojson if tools else '' }}{% for m in messages %}[{{ m.role }}]" +
  "{% if m.tool_calls %}[TOOL_CALLS]{% for c in m.tool_calls %}{{ c.function.name + '|' + c.function.arguments }}{% endfor %}" +
  '{% else %}{{ m.content }}{% endif %}{{ eos_token }}{% endfor %}';

describe('a template with tools', () => {
  it('writes tools, calls and their results into the prompt', () => {
    const template = toolTemplateOf(selfTestToolCall.chatTemplate, words);
    expect(template).toMatchObject({ style: 'tagged', argumentsKey: 'arguments' });
    const prompt = template?.render(talk, [tool], {}) ?? '';
    expect(prompt).toContain('"name": "get_weather"');
    expect(prompt).toContain('<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>');
    expect(prompt).toContain('<tool_response>\nyes\n</tool_response>');
    expect(prompt.endsWith('<|assistant|>')).toBe(true);
    expect(template?.render(talk.slice(0, 2), [], {})).not.toContain('<tools>');
  });

  it('gets arguments as the text that they are where it wants a text', () => {
    const template = toolTemplateOf(textual, words);
    expect(template?.style).toBe('listed');
    expect(template?.afterAnswer.startsWith('</s>')).toBe(true);
    expect(template?.render(talk, [tool], {})).toContain('get_weather|{"city":"Oslo"}');
  });

  it('gets the names that a caller adds, and not those of its own', () => {
    const source = `${textual}{{ '+thinks' if enable_thinking else '' }}`;
    const template = toolTemplateOf(source, words);
    expect(template?.render(talk, [], { enable_thinking: true, bos_token: 'mine' })).toMatch(/^<s>.*\+thinks$/s);
  });

  it('that refuses the messages says so in its own words', () => {
    const source = `${textual}{% if messages | length > 3 %}{{ raise_exception('too many') }}{% endif %}`;
    expect(() => toolTemplateOf(source, words)?.render(talk, [], {})).toThrow('too many');
  });

  it.each([
    ['says nothing of tools', selfTestSentence.chatTemplate],
    ['cannot be read', '{% for'],
    ['always fails', "{{ tools }}{{ raise_exception('no') }}"],
  ])('is none that %s', (_, source) => {
    expect(toolTemplateOf(source, words)).toBeNull();
  });
});
