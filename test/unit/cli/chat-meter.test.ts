import { describe, expect, it } from 'vitest';
import { ChatMeter } from '../../../electron/cli/chat-meter.ts';

const piece = (content: string): { choices: { delta: { content: string } }[] } => ({
  choices: [{ delta: { content } }],
});

describe('ChatMeter', () => {
  it('measures from the request to the first token, and decode speed after it', () => {
    const meter = new ChatMeter(1_000);
    expect(meter.read({ model: 'm', choices: [{ delta: {} }] }, 1_100)).toBe('');
    expect(meter.read(piece('Hello'), 1_200)).toBe('Hello');
    meter.read(piece(' there'), 1_700);
    meter.read(piece('.'), 2_200);
    meter.read({ choices: [{ delta: {}, finish_reason: 'stop' }] }, 2_300);
    meter.read({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 11 } }, 2_400);
    expect(meter.figures(2_500)).toEqual({
      model: 'm',
      finishReason: 'stop',
      promptTokens: 7,
      completionTokens: 11,
      ttftMs: 200,
      tokensPerSecond: 10,
      durationMs: 1_500,
    });
  });

  it('knows nothing about an answer that told nothing', () => {
    expect(new ChatMeter(0).figures(5)).toEqual({
      model: null,
      finishReason: null,
      promptTokens: null,
      completionTokens: null,
      ttftMs: null,
      tokensPerSecond: null,
      durationMs: 5,
    });
  });

  it('does not divide by the no time that one token took', () => {
    const meter = new ChatMeter(0);
    meter.read(piece('all at once'), 10);
    meter.read({ choices: [], usage: { completion_tokens: 3 } }, 20);
    expect(meter.figures(20).tokensPerSecond).toBeNull();
  });
});
