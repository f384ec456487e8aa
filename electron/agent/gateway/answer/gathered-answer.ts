import { AppError } from '../../base/errors.ts';
import type { WireResponse } from '../../inference/wire-response.ts';
import type { Json } from '../dialects/json.ts';
import type { AnswerGatherer } from '../dialects/surface.ts';

/**
 * The body that a streamed answer would have been had it come whole.
 *
 * @throws AppError what the stream told instead of its end; `upstream_failed` when it breaks off, is of another dialect
 *   or too long; the abort's own reason when aborted
 */
export function gatherAnswer(response: WireResponse, gatherer: AnswerGatherer, signal: AbortSignal): Promise<Json> {
  return new Promise((resolve, reject) => {
    let over = false;
    const giveUp = (error: unknown): void => {
      over = true;
      response.body.destroy();
      reject(error instanceof AppError ? error : new AppError('internal', 'The answer could not be put together.'));
    };
    response.body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        if (over) return;
        try {
          gatherer.push(bytes, start, end);
        } catch (error) {
          giveUp(error);
        }
      },
      end: () => {
        if (over) return;
        try {
          resolve(gatherer.end());
        } catch (error) {
          giveUp(error);
        }
      },
      fail: (error) => {
        const reason: unknown = signal.reason;
        reject(signal.aborted && reason instanceof AppError ? reason : error);
      },
    });
  });
}
