/** Cuts a stream of text into lines; LF, CR and CRLF end a line, wherever the stream was split. */
export class LineReader {
  private pending = '';
  private lastWasCarriageReturn = false;
  private readonly maxLineChars: number;

  constructor(options: { maxLineChars: number }) {
    this.maxLineChars = options.maxLineChars;
  }

  /** The lines that `text` completes, without their ends. Throws RangeError when a line passes its bound. */
  push(text: string): string[] {
    let fresh = text;
    if (this.lastWasCarriageReturn && fresh.startsWith('\n')) fresh = fresh.slice(1);
    if (text !== '') this.lastWasCarriageReturn = text.endsWith('\r');
    const lines = (this.pending + fresh).split(/\r\n|\r|\n/u);
    this.pending = lines.pop() ?? '';
    if (this.pending.length > this.maxLineChars) throw new RangeError('A line of the stream is too long.');
    return lines;
  }
}

/**
 * Reads a response body as text, piece by piece, until it ends or `signal` fires. Bytes of one character that arrive
 * apart are joined. Rejects with what the network or the signal rejects with.
 */
export async function readText(body: ReadableStream<Uint8Array>, onText: (text: string) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onText(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
