import type { Clock } from '../../base/clock.ts';
import type { HttpUpstream, WireRequest } from '../../inference/wire/http-upstream.ts';

export interface SmallAnswer {
  readonly status: number;
  /** Undefined when the body was no JSON. */
  readonly json: unknown;
  readonly text: string;
}

const mostBytes = 4 * 1024 * 1024;

/**
 * Asks an engine something about itself and reads the whole answer, within `limitMs` and 4 MiB. Null when nothing came
 * of it: no connection, no answer in time, an answer broken off or too long.
 */
export async function askSmall(
  http: HttpUpstream,
  request: WireRequest,
  deps: { readonly clock: Clock; readonly limitMs: number },
): Promise<SmallAnswer | null> {
  const patience = new AbortController();
  const cancel = deps.clock.after(deps.limitMs, () => {
    patience.abort();
  });
  try {
    const { status, body } = await http.send(request, patience.signal);
    const text = await new Promise<string | null>((resolve) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      patience.signal.addEventListener('abort', () => {
        body.destroy();
        resolve(null);
      });
      body.pipe({
        raw: () => true,
        payload: (chunk, start, end) => {
          bytes += end - start;
          if (bytes <= mostBytes) pieces.push(chunk.subarray(start, end));
          else patience.abort();
        },
        end: () => resolve(Buffer.concat(pieces).toString('utf8')),
        fail: () => resolve(null),
      });
    });
    return text === null ? null : { status, text, json: parsed(text) };
  } catch {
    return null;
  } finally {
    cancel();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
