import OpenAI from 'openai';
import { openAi } from '../../../../../electron/agent/gateway/dialects/openai/openai-dialect.ts';
import type { Answer, AnswerEvent, EmbeddingAnswer } from '../../../../../electron/agent/gateway/dialects/query.ts';
import type { AnswerWriter } from '../../../../../electron/agent/gateway/dialects/surface.ts';

/** What the gateway answers: events of a stream, a whole answer or embeddings, by what the caller asked for. */
export interface Scripted {
  readonly events?: readonly AnswerEvent[];
  readonly answer?: Answer;
  readonly embeddings?: EmbeddingAnswer;
}

export interface Exchange {
  readonly client: OpenAI;
  /** The text of the last answer. */
  readonly last: () => string;
}

const facts = { model: 'm', trace: 'abc', createdS: 1_700_000_000 };

/** The real client of this dialect, whose requests are decoded and whose answers are written here, without a socket. */
export function scripted(script: Scripted): Exchange {
  let last = '';
  const client = new OpenAI({
    apiKey: 'none',
    baseURL: 'http://ranch.test/v1',
    maxRetries: 0,
    fetch: async (input, init) => {
      const surface = openAi.surfaces[new URL(input instanceof Request ? input.url : input).pathname];
      if (!surface || typeof init?.body !== 'string') throw new Error('no such surface');
      const decoded = surface.decode(Buffer.from(init.body));
      last = written(decoded.writer(facts), decoded.stream, script);
      const type = decoded.stream ? surface.streamType : 'application/json';
      return Promise.resolve(new Response(last, { headers: { 'content-type': type } }));
    },
  });
  return { client, last: () => last };
}

function written(writer: AnswerWriter, stream: boolean, script: Scripted): string {
  if (stream) return (script.events ?? []).map((event) => writer.write(event)).join('');
  if (script.embeddings) return JSON.stringify(writer.embeddings(script.embeddings));
  if (script.answer) return JSON.stringify(writer.whole(script.answer));
  throw new Error('nothing to answer');
}

export const start: AnswerEvent = { kind: 'start', id: 'u', model: 'um', promptTokens: null };
export const text = (word: string): AnswerEvent => ({ kind: 'text', text: word, logprobs: null });
export const finish = (reason: 'stop' | 'length' | 'tool' | 'filter'): AnswerEvent => ({
  kind: 'finish',
  finish: reason,
  stopSequence: null,
});
export const usage: Extract<AnswerEvent, { kind: 'usage' }> = {
  kind: 'usage',
  usage: { promptTokens: 5, completionTokens: 2, cachedTokens: 3, reasoningTokens: 1 },
  timings: { promptMs: 1, decodeMs: 2, loadMs: null, decodedTokens: 2 },
};
export const end: AnswerEvent = { kind: 'end' };

export const answer: Answer = {
  id: 'u',
  model: 'um',
  text: 'Hello',
  reasoning: null,
  calls: [],
  finish: 'stop',
  stopSequence: null,
  logprobs: null,
  usage: usage.usage,
  timings: null,
};
export const calling: Answer = {
  ...answer,
  text: '',
  reasoning: 'Hm',
  finish: 'tool',
  calls: [{ id: 'c1', name: 'look', argumentsText: '{"a":1}' }],
};
