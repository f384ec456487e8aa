const markBytes = 64 * 1024;

/** How much of the journal is not in the database yet, as far as is known; never too little, and by a mark too much. */
export class JournalDebt {
  #marks: { seq: number; bytes: number }[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Entries up to `seq` were written, and took so many bytes. */
  add(seq: number, bytes: number): void {
    this.#bytes += bytes;
    const last = this.#marks.at(-1);
    if (last && last.bytes < markBytes) {
      last.seq = seq;
      last.bytes += bytes;
    } else this.#marks.push({ seq, bytes });
  }

  /** All entries up to `seq` are in the database. */
  committed(seq: number): void {
    while (this.#marks[0] && this.#marks[0].seq <= seq) this.#bytes -= this.#marks.shift()?.bytes ?? 0;
  }
}
