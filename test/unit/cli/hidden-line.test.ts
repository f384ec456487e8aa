import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HiddenLine, type Typed } from '../../../electron/cli/hidden-line.ts';

/** Types these pieces one after the other; what the last one that mattered came to. */
function typed(...pieces: readonly string[]): Typed {
  const line = new HiddenLine();
  for (const piece of pieces) {
    const came = line.type(piece);
    if (came.kind !== 'typing') return came;
  }
  return { kind: 'typing' };
}

describe('a line typed unseen', () => {
  it('ends with Enter, typed or pasted', () => {
    expect(typed('s', 'k', '\r')).toEqual({ kind: 'done', text: 'sk' });
    expect(typed('sk-ant-1\n')).toEqual({ kind: 'done', text: 'sk-ant-1' });
    expect(typed('sk')).toEqual({ kind: 'typing' });
  });

  it('drops what comes after the end: it was not meant for this question', () => {
    expect(typed('one\rrm -rf\r')).toEqual({ kind: 'done', text: 'one' });
  });

  it('takes back by backspace and Ctrl-U', () => {
    expect(typed('abx\u007fc\r')).toEqual({ kind: 'done', text: 'abc' });
    expect(typed('wrong\u0015right\r')).toEqual({ kind: 'done', text: 'right' });
    expect(typed('\u007f\u007fa\r')).toEqual({ kind: 'done', text: 'a' });
    expect(typed('a🔑\u007fb\r')).toEqual({ kind: 'done', text: 'ab' });
  });

  it('is given up by Ctrl-C at any time, and by Ctrl-D before anything was typed', () => {
    expect(typed('abc\u0003')).toEqual({ kind: 'cancelled' });
    expect(typed('\u0004')).toEqual({ kind: 'cancelled' });
    expect(typed('abc\u0004')).toEqual({ kind: 'done', text: 'abc' });
  });

  it('leaves out arrows, function keys and the marks around a paste, cut anywhere', () => {
    const keys = '\u001b[200~sk\u001b[D-\u001bOA1\u001b[201~\u001b[3;5~\r';
    expect(typed(keys)).toEqual({ kind: 'done', text: 'sk-1' });
    expect(typed(...Array.from(keys))).toEqual({ kind: 'done', text: 'sk-1' });
    expect(typed('ab\u001b\u0003')).toEqual({ kind: 'cancelled' });
    expect(typed('a\u0001\u001b\tb\u0000\r')).toEqual({ kind: 'done', text: 'ab' });
  });

  it('gives back any printable text, however it was cut on its way', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[!-~]{0,20}$/), { maxLength: 8 }), (pieces) => {
        expect(typed(...pieces, '\r')).toEqual({ kind: 'done', text: pieces.join('') });
      }),
    );
  });
});
