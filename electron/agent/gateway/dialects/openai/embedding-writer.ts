import type { EmbeddingAnswer } from '../query.ts';
import type { AnswerWriter, WriterFacts } from '../surface.ts';
import { openAiErrorEvent } from './errors.ts';

export interface EmbeddingForm {
  /** Vectors as base64 of 32-bit floats, little endian, rather than as numbers. */
  readonly base64: boolean;
  /** Length that vectors are cut to; null for as long as they came. */
  readonly dimensions: number | null;
}

export class EmbeddingWriter implements AnswerWriter {
  readonly streamType = 'text/event-stream';
  readonly #facts: WriterFacts;
  readonly #form: EmbeddingForm;

  constructor(facts: WriterFacts, form: EmbeddingForm) {
    this.#facts = facts;
    this.#form = form;
  }

  /** Embeddings have no stream, but a caller who waits may have been sent the head of one. */
  write(event: Parameters<AnswerWriter['write']>[0]): string {
    return event.kind === 'error' ? openAiErrorEvent(event.error) : '';
  }

  whole(): never {
    throw new Error('embeddings have no text');
  }

  embeddings(answer: EmbeddingAnswer): object {
    const { base64, dimensions } = this.#form;
    const promptTokens = answer.promptTokens ?? 0;
    return {
      object: 'list',
      data: answer.vectors.map((vector, index) => {
        const cut = dimensions === null ? vector : cutTo(vector, dimensions);
        return { object: 'embedding', index, embedding: base64 ? inBase64(cut) : cut };
      }),
      model: this.#facts.model,
      usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
    };
  }
}

/** The first `length` numbers, brought back to length one: models that allow it put the most into the first ones. */
function cutTo(vector: readonly number[], length: number): readonly number[] {
  if (vector.length <= length) return vector;
  const cut = vector.slice(0, length);
  const norm = Math.sqrt(cut.reduce((sum, value) => sum + value * value, 0));
  return norm === 0 ? cut : cut.map((value) => value / norm);
}

function inBase64(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  vector.forEach((value, index) => {
    bytes.writeFloatLE(value, index * 4);
  });
  return bytes.toString('base64');
}
