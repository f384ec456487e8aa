/** What typing came to so far. */
export type Typed =
  { readonly kind: 'typing' } | { readonly kind: 'done'; readonly text: string } | { readonly kind: 'cancelled' };

const typing: Typed = { kind: 'typing' };

/** A terminal's own sequences, as arrow keys and pasting send them, and the beginning of one. */
const wholeSequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\u0000-\u001f\u007f[O])/gu;
const cutSequence = /\u001b(?:\[[0-?]*[ -/]*|O)?$/u;

/**
 * One line typed at a terminal that echoes nothing. Takes the raw keys: Enter ends it, Ctrl-C and an early Ctrl-D give
 * it up, backspace and Ctrl-U take back; other control keys and arrows do nothing. Pure.
 */
export class HiddenLine {
  #text: readonly string[] = [];
  #rest = '';

  /** Keys as they came; what follows the end of the line is dropped. */
  type(keys: string): Typed {
    const all = (this.#rest + keys).replace(wholeSequence, '');
    this.#rest = cutSequence.exec(all)?.[0] ?? '';
    for (const key of all.slice(0, all.length - this.#rest.length)) {
      const came = this.#key(key);
      if (came.kind !== 'typing') return came;
    }
    return typing;
  }

  #key(key: string): Typed {
    switch (key) {
      case '\r':
      case '\n':
        return { kind: 'done', text: this.#text.join('') };
      case '\u0003':
        return { kind: 'cancelled' };
      case '\u0004':
        return this.#text.length === 0 ? { kind: 'cancelled' } : { kind: 'done', text: this.#text.join('') };
      case '\u007f':
      case '\b':
        this.#text = this.#text.slice(0, -1);
        return typing;
      case '\u0015':
        this.#text = [];
        return typing;
      default:
        if (key >= ' ') this.#text = [...this.#text, key];
        return typing;
    }
  }
}
