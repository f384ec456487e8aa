import { describe, expect, it } from 'vitest';
import { decode, hello } from './requests.ts';

describe('a received body for the provider', () => {
  it('is as it came, unknown fields and all, but for our own words', () => {
    const { received } = decode({
      ...hello,
      priority: 'low',
      context_management: { edits: [] },
      metadata: { user_id: 'u' },
    });
    expect(JSON.stringify(received)).toBe(
      JSON.stringify({ ...hello, context_management: { edits: [] }, metadata: { user_id: 'u' } }),
    );
  });

  it('loses the thoughts of models here, which have no signature', () => {
    const messages = [
      { role: 'user', content: 'a' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'ours', signature: '' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'ours alone', signature: '' }] },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'theirs', signature: 'c2ln' },
          { type: 'text', text: 'c' },
        ],
      },
    ];
    expect(decode({ ...hello, messages }).received['messages']).toEqual([
      messages[0],
      { role: 'assistant', content: [{ type: 'text', text: 'b' }] },
      messages[3],
    ]);
  });
});
