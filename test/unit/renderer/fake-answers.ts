/** An answer whose body is written bit by bit. */
export class OpenAnswer {
  readonly response: Response;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly #encoder = new TextEncoder();
  cancelled = false;

  constructor(options: { status?: number; headers?: Record<string, string>; signal?: AbortSignal | null } = {}) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.cancelled = true;
      },
    });
    options.signal?.addEventListener('abort', () => this.fail(options.signal?.reason));
    this.response = new Response(body, { status: options.status ?? 200, headers: options.headers ?? {} });
  }

  write(text: string): void {
    this.#controller?.enqueue(this.#encoder.encode(text));
  }

  writeBytes(bytes: Uint8Array): void {
    this.#controller?.enqueue(bytes);
  }

  end(): void {
    this.#controller?.close();
  }

  fail(reason: unknown): void {
    this.cancelled = true;
    this.#controller?.error(reason);
  }
}
