import { CallScanner, type CallEvent } from './call-scanner.ts';

/** A piece of an answer as a caller gets it. */
export type AnswerPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'call'; readonly index: number; readonly id: string; readonly name: string }
  | { readonly kind: 'arguments'; readonly index: number; readonly text: string };

/**
 * How a model writes its calls. `tagged`: `<tool_call>{…}</tool_call>`, as Hermes and Qwen · `listed`:
 * `[TOOL_CALLS][{…}]` or `[TOOL_CALLS]name[ARGS]{…}`, as Mistral · `bare`: the object alone, as Llama and others
 */
export type CallStyle = 'tagged' | 'listed' | 'bare';

export interface AnswerReaderOptions {
  /** Tools on offer; null where calls are not looked for. */
  readonly tools: ReadonlySet<string> | null;
  /** Whether thinking is told apart, and whether the prompt has begun it. */
  readonly thinking: 'none' | 'possible' | 'begun';
  /** The prompt has begun a call in this style. */
  readonly begun: CallStyle | null;
  /** Ends after its first call. */
  readonly once: boolean;
}

const thinkBegin = '<think>';
const thinkEnd = '</think>';
const callEnd = '</tool_call>';
const marks: readonly (readonly [string, CallStyle])[] = [
  ['<tool_call>', 'tagged'],
  ['[TOOL_CALLS]', 'listed'],
  ['<|python_tag|>', 'bare'],
];
/** An answer that is nothing but a call may be put into a fence. */
const fence = /^```[a-z_]{0,12}\s*(?=\{)/;
const fenceBegun = /^(?:`{1,2}|```[a-z_]{0,12}\s*)$/;
const namedCall = /^([\w.:-]{1,128})(?:\[CALL_ID\]\w*)?(?:\[ARGS\])?\s*(?=\{)/;
const namedCallBegun = /^[\w.:[\]-]{0,200}\s*$/;

type State =
  /** Nothing but white space yet, which is no text behind thinking. */
  | { readonly kind: 'start'; readonly thought: boolean }
  | { readonly kind: 'text' }
  /** `told`: some of it was passed on already. */
  | { readonly kind: 'thinking'; readonly told: boolean }
  /** A call has to follow; `mark` is what announced it, to be given back if none does. */
  | { readonly kind: 'announced'; readonly style: CallStyle; readonly mark: string }
  | { readonly kind: 'call'; readonly style: CallStyle; readonly mark: string; readonly scanner: CallScanner }
  | { readonly kind: 'after'; readonly style: CallStyle };

/**
 * Tells calls and thinking from text while an answer is being written. What could still become a mark is held back;
 * what looked like a call and is none comes out as the text that it was.
 */
export class AnswerReader {
  calls = 0;
  readonly #options: AnswerReaderOptions;
  readonly #makeId: () => string;
  #state: State;
  #held = '';
  #parts: AnswerPart[] = [];

  constructor(options: AnswerReaderOptions, makeId: () => string) {
    this.#options = options;
    this.#makeId = makeId;
    if (options.begun !== null) this.#state = { kind: 'announced', style: options.begun, mark: '' };
    else if (options.thinking === 'begun') this.#state = { kind: 'thinking', told: false };
    else if (options.tools === null && options.thinking === 'none') this.#state = { kind: 'text' };
    else this.#state = { kind: 'start', thought: false };
  }

  /** No more is wanted: the only call that may be made is complete. */
  get enough(): boolean {
    return this.#options.once && this.calls > 0 && this.#state.kind !== 'call';
  }

  push(text: string): readonly AnswerPart[] {
    this.#held += text;
    while (!this.enough && this.#step());
    return this.#taken();
  }

  /** The answer is over: what was held back. */
  end(): readonly AnswerPart[] {
    const state = this.#state;
    const rest = this.#held;
    this.#held = '';
    if (this.enough) return this.#taken();
    if (state.kind === 'thinking') this.#tell({ kind: 'reasoning', text: rest });
    else if (state.kind === 'call') {
      if (!state.scanner.begun) this.#tell({ kind: 'text', text: state.mark + state.scanner.raw + rest });
    } else {
      const mark = state.kind === 'announced' ? state.mark : '';
      if (this.calls === 0 || rest.trim() !== '') this.#tell({ kind: 'text', text: mark + rest });
    }
    return this.#taken();
  }

  #taken(): readonly AnswerPart[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  #tell(part: AnswerPart): void {
    if ('text' in part && part.text === '') return;
    this.#parts.push(part);
  }

  /** True when something was done, so that it may go on; false when more text is needed. */
  #step(): boolean {
    const state = this.#state;
    if (this.#held === '') return false;
    switch (state.kind) {
      case 'start':
        return this.#atStart(state.thought);
      case 'text':
        return this.#inText();
      case 'thinking':
        return this.#inThinking(state.told);
      case 'announced':
        return this.#announced(state.style, state.mark);
      case 'call':
        return this.#inCall(state.style, state.mark, state.scanner);
      case 'after':
        return this.#afterCall(state.style);
    }
  }

  #atStart(thought: boolean): boolean {
    const { tools, thinking } = this.#options;
    const text = this.#held.trimStart();
    if (text === '') return false;
    if (thinking !== 'none') {
      if (text.startsWith(thinkBegin)) {
        this.#held = text.slice(thinkBegin.length);
        this.#state = { kind: 'thinking', told: false };
        return true;
      }
      if (thinkBegin.startsWith(text)) return false;
    }
    if (tools !== null) {
      if (fenceBegun.test(text)) return false;
      const opening = fence.exec(text)?.[0] ?? '';
      if (text.charAt(opening.length) === '{') {
        const blank = this.#held.slice(0, this.#held.length - text.length);
        this.#held = text.slice(opening.length);
        this.#begin('bare', blank + opening, null);
        return true;
      }
    }
    if (thought) this.#held = text;
    this.#state = { kind: 'text' };
    return true;
  }

  #inText(): boolean {
    if (this.#options.tools === null) {
      this.#tell({ kind: 'text', text: this.#held });
      this.#held = '';
      return false;
    }
    const found = marks
      .map(([mark, style]) => ({ mark, style, at: this.#held.indexOf(mark) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at)[0];
    if (found) {
      this.#tell({ kind: 'text', text: this.#held.slice(0, found.at).trimEnd() });
      this.#held = this.#held.slice(found.at + found.mark.length);
      this.#state = { kind: 'announced', style: found.style, mark: found.mark };
      return true;
    }
    // White space before a call is no text.
    const sure =
      this.#held.length -
      longestBeginning(
        this.#held,
        marks.map(([mark]) => mark),
      );
    const text = this.#held.slice(0, sure).trimEnd();
    this.#tell({ kind: 'text', text });
    this.#held = this.#held.slice(text.length);
    return false;
  }

  #inThinking(told: boolean): boolean {
    if (!told) this.#held = this.#held.trimStart();
    const end = this.#held.indexOf(thinkEnd);
    if (end >= 0) {
      this.#tell({ kind: 'reasoning', text: this.#held.slice(0, end).trimEnd() });
      this.#held = this.#held.slice(end + thinkEnd.length);
      this.#state = { kind: 'start', thought: true };
      return true;
    }
    const sure = this.#held.length - longestBeginning(this.#held, [thinkEnd]);
    const text = this.#held.slice(0, sure).trimEnd();
    this.#tell({ kind: 'reasoning', text });
    this.#held = this.#held.slice(text.length);
    if (text !== '') this.#state = { kind: 'thinking', told: true };
    return false;
  }

  #announced(style: CallStyle, mark: string): boolean {
    const text = this.#held.trimStart();
    if (text === '') return false;
    if (text.startsWith('{')) return this.#begin(style, mark, null, text);
    if (style !== 'bare' && text.startsWith('[')) {
      this.#state = { kind: 'announced', style, mark: `${mark}[` };
      return this.#skip(text, 1);
    }
    if (style === 'listed') {
      const named = namedCall.exec(text);
      if (named?.[1] !== undefined) return this.#begin(style, mark, named[1], text.slice(named[0].length));
      if (namedCallBegun.test(text)) return false;
    }
    this.#tell({ kind: 'text', text: mark + this.#held });
    this.#held = '';
    this.#state = { kind: 'text' };
    return true;
  }

  #inCall(style: CallStyle, mark: string, scanner: CallScanner): boolean {
    this.#held = scanner.push(this.#held);
    if (scanner.state === 'done') {
      this.calls += 1;
      this.#state = { kind: 'after', style };
      return true;
    }
    if (scanner.state === 'open') return false;
    this.#tell({ kind: 'text', text: mark + scanner.raw });
    this.#state = { kind: 'text' };
    return true;
  }

  #afterCall(style: CallStyle): boolean {
    const text = this.#held.trimStart();
    if (text === '') return false;
    if (text.startsWith('{')) return this.#begin(style, '', null, text);
    if (/^[,;\]`]/.test(text)) return this.#skip(text, 1);
    if (text.startsWith(callEnd)) {
      this.#held = text.slice(callEnd.length);
      this.#state = { kind: 'text' };
      return true;
    }
    if (callEnd.startsWith(text)) return false;
    this.#state = { kind: 'text' };
    this.#held = text;
    return true;
  }

  #skip(text: string, length: number): true {
    this.#held = text.slice(length);
    return true;
  }

  #begin(style: CallStyle, mark: string, name: string | null, held = this.#held): true {
    const index = this.calls;
    // Without a mark any answer in JSON looks like a call: then only a tool that is there makes it one.
    const known = mark === '' || style === 'bare' ? this.#options.tools : null;
    const scanner = new CallScanner({ name, known }, (event) => this.#tell(this.#partOf(event, index)));
    this.#held = held;
    this.#state = { kind: 'call', style, mark, scanner };
    return true;
  }

  #partOf(event: CallEvent, index: number): AnswerPart {
    return event.kind === 'begin'
      ? { kind: 'call', index, id: this.#makeId(), name: event.name }
      : { kind: 'arguments', index, text: event.text };
  }
}

/** Length of the longest end of the text that begins one of the marks. */
function longestBeginning(text: string, marked: readonly string[]): number {
  const longest = Math.max(...marked.map(({ length }) => length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length -= 1) {
    const end = text.slice(-length);
    if (marked.some((mark) => mark.startsWith(end))) return length;
  }
  return 0;
}
