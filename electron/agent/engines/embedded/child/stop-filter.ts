/**
 * Lets text through until a stop string turns up, however its characters are split over the pieces. Text that could
 * still become a stop string is held back.
 */
export class StopFilter {
  readonly #stops: readonly string[];
  readonly #longest: number;
  #held = '';

  constructor(stops: readonly string[]) {
    this.#stops = stops;
    this.#longest = Math.max(0, ...stops.map((stop) => stop.length));
  }

  /** What may be sent now, and the stop string that ended the text, if one did. */
  push(piece: string): { readonly text: string; readonly stop: string | null } {
    if (this.#longest === 0) return { text: piece, stop: null };
    const text = this.#held + piece;
    const found = this.#firstStop(text);
    if (found) {
      this.#held = '';
      return { text: text.slice(0, found.at), stop: found.stop };
    }
    const keep = this.#possibleStart(text);
    this.#held = keep === 0 ? '' : text.slice(-keep);
    return { text: keep === 0 ? text : text.slice(0, -keep), stop: null };
  }

  /** What is still held back when the text ends by itself. */
  rest(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  #firstStop(text: string): { at: number; stop: string } | null {
    let best: { at: number; stop: string } | null = null;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at >= 0 && (!best || at < best.at)) best = { at, stop };
    }
    return best;
  }

  /** Length of the longest end of `text` that begins some stop string. */
  #possibleStart(text: string): number {
    for (let length = Math.min(this.#longest - 1, text.length); length > 0; length -= 1) {
      const end = text.slice(-length);
      if (this.#stops.some((stop) => stop.length > length && stop.startsWith(end))) return length;
    }
    return 0;
  }
}
