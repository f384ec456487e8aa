import { z } from 'zod';

const targetsSchema = z.array(
  z.object({ id: z.string(), type: z.string(), url: z.string(), webSocketDebuggerUrl: z.string().optional() }),
);
export type Target = z.infer<typeof targetsSchema>[number];

const answerSchema = z.object({
  id: z.number(),
  result: z.object({
    result: z.object({ value: z.unknown().optional() }),
    exceptionDetails: z
      .object({ text: z.string(), exception: z.object({ description: z.string() }).partial().optional() })
      .optional(),
  }),
});

const answerLimitMs = 5_000;

/** What is open in a Chromium, by its remote debugging port. */
export class Pages {
  readonly #origin: string;

  constructor(port: number) {
    this.#origin = `http://127.0.0.1:${port}`;
  }

  async list(): Promise<Target[]> {
    const response = await fetch(`${this.#origin}/json/list`);
    return targetsSchema.parse(await response.json()).filter(({ type }) => type === 'page');
  }

  /** The value of an expression in a page; rejects when it throws there. */
  async evaluate(target: Target, expression: string): Promise<unknown> {
    if (target.webSocketDebuggerUrl === undefined) throw new Error('Somebody else looks into this page already.');
    return evaluateAt(target.webSocketDebuggerUrl, { expression, userGesture: true });
  }
}

/** The value of an expression in whatever listens at a debugger's address; rejects when it throws there. */
export async function evaluateAt(
  address: string,
  params: { readonly expression: string } & Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const socket = new WebSocket(address);
  // A page that is replaced while it is asked never answers.
  const limit = setTimeout(() => socket.close(), answerLimitMs);
  try {
    await once(socket, 'open');
    const always = { returnByValue: true, awaitPromise: true };
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { ...always, ...params } }));
    for (;;) {
      const message = await once(socket, 'message');
      const parsed = answerSchema.safeParse(JSON.parse(String((message as MessageEvent).data)));
      if (!parsed.success) continue;
      const { result, exceptionDetails } = parsed.data.result;
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    }
  } finally {
    clearTimeout(limit);
    socket.close();
  }
}

function once(socket: WebSocket, event: 'open' | 'message'): Promise<Event> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(event, resolve, { once: true });
    socket.addEventListener('close', () => reject(new Error('The page is gone.')), { once: true });
  });
}
