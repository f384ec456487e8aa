import type { AnswerEvent } from '../../../../../electron/agent/gateway/dialects/query.ts';
import { OpenAiStreamReader } from '../../../../../electron/agent/gateway/dialects/openai/stream-reader.ts';

/** Events of a stream given in pieces; errors by their code alone. */
export function readStream(
  pieces: readonly (string | Buffer)[],
  operation: 'chat' | 'completion' = 'chat',
): (AnswerEvent | string)[] {
  const events: (AnswerEvent | string)[] = [];
  const reader = new OpenAiStreamReader(operation, (event) =>
    events.push(event.kind === 'error' ? `error ${event.error.code}: ${event.error.message}` : event),
  );
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    reader.push(bytes, 0, bytes.length);
  }
  reader.end();
  return events;
}

/** A stream of chunks whose first choice is each of `choices`, ended as it should. */
export function stream(choices: readonly object[], last: object = {}): string {
  const chunks = choices.map((choice) => ({ id: 'x', model: 'm', choices: [{ index: 0, ...choice }] }));
  return [...chunks, { id: 'x', model: 'm', choices: [], ...last }]
    .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
    .join('')
    .concat('data: [DONE]\n\n');
}

export const start = { kind: 'start', id: 'x', model: 'm', promptTokens: null };
export const end = { kind: 'end' };
export const finish = (reason: string): object => ({ kind: 'finish', finish: reason, stopSequence: null });
export const said = (text: string): object => ({ kind: 'text', text, logprobs: null });
