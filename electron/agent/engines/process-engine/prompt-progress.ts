import type { AppError } from '../../base/errors.ts';
import type { BodyFraming, WireBody, WireResponse, WireSink } from '../../inference/wire-response.ts';

/**
 * Makes llama-server tell how far it has read the prompt after each batch of it. It looks whether its caller is still
 * there when it has something to tell, else only in a second in which no request of all got anything: with others under
 * way a caller who left before the first token would keep its slot until then. Read in server-context.cpp and
 * server-queue.cpp of b11434.
 */
export const tellingProgress = { return_progress: true };

/**
 * The answer without what the server told of its prompt: resolves when the first event of the answer itself is there, so
 * that until then another upstream may still be asked. What is no stream of events is passed on at once.
 *
 * @throws AppError what broke the answer off before it began
 */
export async function withoutProgress(response: WireResponse): Promise<WireResponse> {
  const isStream = response.status === 200 && /^text\/event-stream/i.test(response.headers.get('content-type') ?? '');
  if (!isStream) return response;
  const body = new AnswerBody(response.body);
  await body.begun;
  return { ...response, body };
}

/** A piece of the payload, and the bytes that carried it. */
interface Piece {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

type State =
  /** Only reports of progress so far. */
  | { readonly kind: 'reading' }
  /** The answer has begun, and nobody takes it yet; `over` when it has ended already, with what broke it off. */
  | { readonly kind: 'waiting'; readonly over: { readonly error: AppError | null; readonly intact: boolean } | null }
  | { readonly kind: 'passing'; readonly sink: WireSink };

/**
 * A body without its first events as long as they tell of progress. The server sends each event as a chunk of its own;
 * where one is not, all from there on is passed on, for what callers do not know they leave alone.
 */
class AnswerBody implements WireBody, WireSink {
  readonly begun: Promise<undefined>;
  readonly #inner: WireBody;
  readonly #begin = Promise.withResolvers<undefined>();
  #state: State = { kind: 'reading' };
  /** Payload that is not left out, so far. */
  #pieces: Piece[] = [];
  #raw: Buffer[] = [];

  constructor(inner: WireBody) {
    this.#inner = inner;
    this.begun = this.#begin.promise;
    inner.pipe(this);
  }

  get framing(): BodyFraming {
    return this.#inner.framing;
  }

  pipe(sink: WireSink): void {
    const over = this.#state.kind === 'waiting' ? this.#state.over : null;
    this.#state = { kind: 'passing', sink };
    for (const { bytes, start, end } of this.#pieces) sink.payload(bytes, start, end);
    const goOn = this.#raw.length === 0 || sink.raw(Buffer.concat(this.#raw));
    this.#pieces = [];
    this.#raw = [];
    if (over === null) {
      if (goOn) this.#inner.resume();
    } else if (over.error === null) sink.end();
    else sink.fail(over.error, over.intact);
  }

  resume(): void {
    this.#inner.resume();
  }

  destroy(): void {
    this.#inner.destroy();
  }

  payload(bytes: Buffer, start: number, end: number): void {
    if (this.#state.kind === 'passing') this.#state.sink.payload(bytes, start, end);
    else this.#pieces.push({ bytes, start, end });
  }

  raw(bytes: Buffer): boolean {
    switch (this.#state.kind) {
      case 'passing':
        return this.#state.sink.raw(bytes);
      case 'waiting':
        this.#raw.push(bytes);
        return false;
      case 'reading': {
        const from = this.framing.kind === 'chunked' ? this.#leaveOut(bytes) : 0;
        if (from === bytes.length) return true;
        this.#raw.push(bytes.subarray(from));
        this.#state = { kind: 'waiting', over: null };
        this.#begin.resolve(undefined);
        return false;
      }
    }
  }

  end(): void {
    if (this.#state.kind === 'passing') this.#state.sink.end();
    else this.#over(null, true);
  }

  fail(error: AppError, intact: boolean): void {
    if (this.#state.kind === 'passing') this.#state.sink.fail(error, intact);
    else if (this.#state.kind === 'reading') this.#begin.reject(error);
    else this.#over(error, intact);
  }

  #over(error: AppError | null, intact: boolean): void {
    this.#state = { kind: 'waiting', over: { error, intact } };
    this.#begin.resolve(undefined);
  }

  /** Where in these whole chunks the first begins that is no report of progress; their end when there is none. */
  #leaveOut(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length) {
      const lineEnd = bytes.indexOf('\r\n', at);
      const start = lineEnd + 2;
      const end = start + Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
      // The last chunk is empty; a long one may not be whole yet.
      if (lineEnd === -1 || !(end > start) || end + 2 > bytes.length) return at;
      if (!isProgress(bytes.toString('latin1', start, end))) return at;
      this.#forget(end - start);
      at = end + 2;
    }
    return at;
  }

  /** The first `count` bytes of the payload go nowhere. */
  #forget(count: number): void {
    let left = count;
    while (left > 0) {
      const piece = this.#pieces.shift();
      if (!piece) return;
      const length = piece.end - piece.start;
      if (length > left) this.#pieces.unshift({ ...piece, start: piece.start + left });
      left -= length;
    }
  }
}

/** One whole event, and nothing beside it. */
function isProgress(chunk: string): boolean {
  return (
    chunk.startsWith('data: {') && chunk.indexOf('\n\n') === chunk.length - 2 && chunk.includes('"prompt_progress":{')
  );
}
