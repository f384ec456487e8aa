import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError, type ErrorCode } from '../../../../electron/agent/base/errors.ts';
import { askThroughFalls } from '../../../../electron/agent/engines/switching/ask-again.ts';

const never = new AbortController().signal;

/** Asks a model that fails with these codes, one a question, and then answers. */
async function askOf(codes: ErrorCode[], signal = never): Promise<{ questions: number; error: unknown }> {
  const clock = new ManualClock();
  const seen = { questions: 0, error: null as unknown, over: false };
  const asking = askThroughFalls(
    () => {
      seen.questions += 1;
      const code = codes.shift();
      return code === undefined ? Promise.resolve() : Promise.reject(new AppError(code, 'It failed.'));
    },
    signal,
    { clock },
  )
    .catch((error: unknown) => (seen.error = error))
    .finally(() => (seen.over = true));
  while (!seen.over) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(500);
  }
  await asking;
  return seen;
}

describe('the first question to a fresh model', () => {
  it('F1 is asked again when the process ended under it, and the model is not held responsible', async () => {
    expect(await askOf(['upstream_failed', 'engine_not_ready'])).toMatchObject({ questions: 3, error: null });
  });

  it('is given up after three falls', async () => {
    const { questions, error } = await askOf([
      'upstream_failed',
      'upstream_failed',
      'upstream_failed',
      'upstream_failed',
    ]);
    expect(questions).toBe(3);
    expect(error).toMatchObject({ code: 'upstream_failed' });
  });

  it('is not repeated for a failure of the model, nor once nobody waits for it', async () => {
    expect(await askOf(['model_unusable'])).toMatchObject({ questions: 1, error: { code: 'model_unusable' } });
    const gone = new AbortController();
    gone.abort();
    expect(await askOf(['upstream_failed'], gone.signal)).toMatchObject({ questions: 1 });
  });
});
