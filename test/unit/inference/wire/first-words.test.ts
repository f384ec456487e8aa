import { describe, expect, it } from 'vitest';
import { hasWords } from '../../../../electron/agent/inference/wire/first-words.ts';

function inText(text: string): boolean {
  const bytes = Buffer.from(`<"content":"a"${text}"content":"a">`);
  const edge = '<"content":"a"'.length;
  return hasWords(bytes, edge, bytes.length - edge);
}

describe('hasWords', () => {
  it.each([
    '{"choices":[{"delta":{"content":"Hi"}}]}',
    '{"choices": [{"delta": {"content": "Hi"}}]}',
    '{"choices":[{"delta":{"role":"assistant","reasoning_content":"Hm"}}]}',
    '{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"look"}}]}}]}',
    '{"choices":[{"text":"Hi"}]}',
    '{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}',
    '{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"Hm"}}',
    '{"type":"content_block_delta","delta":{"partial_json":"{"}}',
    '{"message":{"role":"assistant","content":"Hi"},"done":false}',
    '{"response":"Hi","done":false}',
  ])('hears words in %s', (text) => {
    expect(inText(text)).toBe(true);
  });

  it.each([
    ': waiting',
    '{"choices":[{"delta":{"role":"assistant","content":""}}]}',
    '{"choices":[{"delta":{"role":"assistant","content":null,"tool_calls":[]}}]}',
    '{"type":"message_start","message":{"role":"assistant","content":[],"stop_reason":null}}',
    '{"type":"content_block_start","content_block":{"type":"text","text":""}}',
    '{"type":"ping"}',
    '{"message":{"role":"assistant","content":""},"done":false}',
  ])('hears none in %s', (text) => {
    expect(inText(text)).toBe(false);
  });
});
