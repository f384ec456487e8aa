import { describe, expect, it } from 'vitest';
import { WrittenBytes } from '../../../../electron/agent/gateway/answer/written-bytes.ts';

function written(answer: object, pieceLength = 1_000_000, indent = 0): number {
  const bytes = Buffer.from(JSON.stringify(answer, null, indent));
  const counter = new WrittenBytes();
  for (let at = 0; at < bytes.length; at += pieceLength) {
    const piece = Buffer.concat([Buffer.from('"'), bytes.subarray(at, at + pieceLength), Buffer.from('"')]);
    counter.scan(piece, 1, piece.length - 1);
  }
  return counter.total;
}

describe('WrittenBytes', () => {
  it.each<[string, object, number]>([
    ['text', { id: 'x', choices: [{ message: { role: 'assistant', content: 'Hello', refusal: null } }] }, 5],
    ['nothing', { choices: [{ message: { content: '' } }], usage: { prompt_tokens: 3 } }, 0],
    ['thinking', { choices: [{ message: { content: 'a', reasoning_content: 'hm' } }] }, 3],
    ['what looks like keys', { choices: [{ text: 'a "content":"b"' }], model: 'content' }, 15],
    ['other letters, as bytes', { content: [{ type: 'text', text: '日本' }] }, 6],
    ['a call', { choices: [{ message: { tool_calls: [{ function: { name: 'look', arguments: '{"a":1}' } }] } }] }, 7],
    ['a call that is an object', { content: [{ type: 'tool_use', name: 'look', input: { at: { up: 'ab' } } }] }, 6],
    ['what follows such a call', { content: [{ input: { a: 'b' } }], model: 'long name' }, 2],
    ['vectors', { data: [{ object: 'embedding', embedding: [0.1, 0.2] }], model: 'm' }, 0],
    ['vectors as text', { data: [{ embedding: 'AAAA' }] }, 0],
    ['a line of its own', { response: 'one\ntwo' }, 7],
  ])('counts %s, wherever it is cut and however it is set', (_what, answer, bytes) => {
    expect(written(answer)).toBe(bytes);
    for (const pieceLength of [1, 2, 7]) expect(written(answer, pieceLength)).toBe(bytes);
  });

  it('is about the same for JSON with blanks in it', () => {
    expect(written({ choices: [{ message: { content: 'Hello' } }] }, 3, 2)).toBe(5);
  });
});
