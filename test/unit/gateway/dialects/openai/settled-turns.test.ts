import { describe, expect, it } from 'vitest';
import { settledTurns } from '../../../../../electron/agent/gateway/dialects/openai/settled-turns.ts';
import type { Part, Turn } from '../../../../../electron/agent/gateway/dialects/query.ts';

const text = (word: string): Part => ({ kind: 'text', text: word });
const image: Part = { kind: 'image', mediaType: 'image/png', base64: 'AAAA' };
const system = (word: string): Turn => ({ role: 'system', text: word });
const user = (...parts: Part[]): Turn => ({ role: 'user', parts });
const assistant = (word: string, calls: readonly string[] = []): Turn => ({
  role: 'assistant',
  text: word,
  reasoning: null,
  calls: calls.map((id) => ({ id, name: 'f', argumentsText: '{}' })),
});
const tool = (callId: string, ...parts: Part[]): Turn => ({ role: 'tool', callId, name: null, parts, failed: false });

describe('settledTurns', () => {
  it('leaves an ordinary chat as it is', () => {
    const turns = [
      system('s'),
      user(text('a')),
      assistant('', ['c']),
      tool('c', text('r')),
      assistant('b'),
      user(text('d')),
    ];
    expect(settledTurns(turns)).toEqual(turns);
  });

  it('joins what stands side by side', () => {
    expect(
      settledTurns([system('s'), system('t'), user(text('a')), user(text('b'), image), user(image, text('c'))]),
    ).toEqual([system('s\n\nt'), user(text('a\n\nb'), image, image, text('c'))]);
    expect(settledTurns([user(text('a')), assistant('b'), assistant('c', ['x'])])).toEqual([
      user(text('a')),
      assistant('b\n\nc', ['x']),
    ]);
  });

  it('keeps users of different names apart', () => {
    const turns: Turn[] = [user(text('a')), { role: 'user', parts: [text('b')], name: 'ann' }];
    expect(settledTurns(turns)).toEqual(turns);
  });

  it('keeps calls apart from the answer after them', () => {
    const turns = [user(text('a')), assistant('', ['x']), assistant('b')];
    expect(settledTurns(turns)).toEqual(turns);
  });

  it('says a later system turn where it stands, as a user', () => {
    expect(settledTurns([system('s'), user(text('a')), system('now'), assistant('b'), system('later')])).toEqual([
      system('s'),
      user(text('a\n\nnow')),
      assistant('b'),
      user(text('later')),
    ]);
  });

  it("lets a tool's images follow all results as a user's", () => {
    expect(
      settledTurns([assistant('', ['x', 'y']), tool('x', image), tool('y', text('r'), image), user(text('go on'))]),
    ).toEqual([
      assistant('', ['x', 'y']),
      tool('x', text('(The image follows.)')),
      tool('y', text('r')),
      user(image, image, text('go on')),
    ]);
  });
});
