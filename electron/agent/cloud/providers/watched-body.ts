import type { WireBody } from '../../inference/wire-response.ts';

/** The body, and a word when it is over in whatever way. `over` may be told more than once. */
export function watchedBody(body: WireBody, over: () => void): WireBody {
  return {
    framing: body.framing,
    pipe: (sink) => {
      body.pipe({
        raw: (bytes) => sink.raw(bytes),
        payload: (bytes, start, end) => sink.payload(bytes, start, end),
        end: () => {
          over();
          sink.end();
        },
        fail: (error, intact) => {
          over();
          sink.fail(error, intact);
        },
      });
    },
    resume: () => body.resume(),
    destroy: () => {
      over();
      body.destroy();
    },
  };
}
