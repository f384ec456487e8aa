import type { AppError } from '../../../base/errors.ts';

/** Ollama's errors are one sentence. */
export interface OllamaError {
  readonly error: string;
}

export function ollamaError(error: AppError): OllamaError {
  return { error: error.message };
}

/** The line that ends a stream that broke: no `done` comes after it. */
export function errorLine(error: AppError): string {
  return `${JSON.stringify(ollamaError(error))}\n`;
}
