import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../../base/errors.ts';
import { Interruption, retryAfterMs } from './interruption.ts';

/** What was asked for when a server said no. */
export interface Asked {
  readonly host: string;
  /** For people, such as `org/repo` or `model.gguf`. */
  readonly what: string;
  /** Whether it is Hugging Face, whose codes and remedies are known. */
  readonly isHub: boolean;
  /** Wall time, for answers that name a date. */
  readonly nowMs: number;
}

/** The error that an answer without success stands for: an {@link Interruption} if it may get better by itself. */
export function refusalOf(status: number, headers: IncomingHttpHeaders, asked: Asked): AppError | Interruption {
  const { host, what, isHub } = asked;
  const wait = retryAfterMs(headers['retry-after'], asked.nowMs);
  if (status === 429) return new Interruption(`${host} asks for patience: too many requests.`, { retryAfterMs: wait });
  if (status >= 500) return new Interruption(`${host} has trouble (status ${status}).`, { retryAfterMs: wait });
  if (status === 408) return new Interruption(`${host} gave up waiting for us.`);
  if (isHub) return refusalOfHub(status, String(headers['x-error-code'] ?? ''), what);
  if (status === 404 || status === 410) {
    return new AppError('model_not_found', `${host} has no ${what}. Check the address.`);
  }
  if (status === 401 || status === 403) {
    return new AppError(
      'unauthorized',
      `${host} does not give ${what} to everyone. Download it yourself, then pull it from where it lies.`,
    );
  }
  return new AppError('upstream_failed', `${host} refuses ${what} (status ${status}). Choose another source.`);
}

function refusalOfHub(status: number, code: string, what: string): AppError {
  if (code === 'GatedRepo') {
    return new AppError(
      'forbidden',
      `${what} is given only to those who agree to its terms. Agree to them on its page on huggingface.co, make a token there, and start Ranch Hand with that token in the environment variable HF_TOKEN.`,
    );
  }
  if (code === 'EntryNotFound' || code === 'RevisionNotFound' || status === 404) {
    return new AppError('model_not_found', `Hugging Face has no ${what}. Check the name on huggingface.co.`);
  }
  if (status === 401 || status === 403) {
    // For whoever may not see it, the hub does not tell a private repository from none at all.
    return new AppError(
      'unauthorized',
      `Hugging Face has no ${what} that everyone may see. Check the name; if it is private or gated, start Ranch Hand with a token in the environment variable HF_TOKEN.`,
    );
  }
  return new AppError('upstream_failed', `Hugging Face refuses ${what} (status ${status}). Choose another source.`);
}
