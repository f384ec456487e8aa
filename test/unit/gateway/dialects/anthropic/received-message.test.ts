import { describe, expect, it } from 'vitest';
import { bodyForProvider } from '../../../../../electron/agent/gateway/dialects/anthropic/received-message.ts';
import { decode, hello } from './requests.ts';

describe('a received body for the provider', () => {
  it('is as it came, unknown fields and all, but for the model and our own words', () => {
    const { received } = decode({
      ...hello,
      priority: 'low',
      context_management: { edits: [] },
      metadata: { user_id: 'u' },
    });
    expect(JSON.stringify(bodyForProvider(received, 'claude-x'))).toBe(
      JSON.stringify({ ...hello, model: 'claude-x', context_management: { edits: [] }, metadata: { user_id: 'u' } }),
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
    expect(bodyForProvider({ ...hello, messages }, 'm')['messages']).toEqual([
      messages[0],
      { role: 'assistant', content: [{ type: 'text', text: 'b' }] },
      messages[3],
    ]);
  });
});
