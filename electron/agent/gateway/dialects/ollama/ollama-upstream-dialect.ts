import type { UpstreamDialect } from '../surface.ts';
import { OllamaStreamReader, readAnswer, readEmbeddingAnswer } from './answer-reader.ts';
import { requestBody, unableToAsk } from './request-body.ts';

/** How to ask an Ollama, and how to understand it. */
export const ollamaUpstream: UpstreamDialect = {
  name: 'ollama',
  encode: requestBody,
  unable: unableToAsk,
  reader: (_operation, sink) => new OllamaStreamReader(sink),
  readWhole: (_operation, body) => readAnswer(body),
  readEmbeddings: readEmbeddingAnswer,
};
