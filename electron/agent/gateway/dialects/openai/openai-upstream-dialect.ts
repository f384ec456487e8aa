import type { UpstreamDialect } from '../surface.ts';
import { OpenAiAnswerGatherer } from './answer-gatherer.ts';
import { encodeRequest, unableToCarry } from './encode-request.ts';
import { OpenAiStreamReader } from './stream-reader.ts';
import { readEmbeddingAnswer, readWholeAnswer } from './whole-reader.ts';

/** The OpenAI API as llama-server, Ollama, the embedded engine and many other servers speak it. */
export const openAiUpstream: UpstreamDialect = {
  name: 'openai',
  encode: encodeRequest,
  unable: unableToCarry,
  reader: (operation, sink) => new OpenAiStreamReader(operation, sink),
  gatherer: (operation, failure) => new OpenAiAnswerGatherer(operation, failure),
  readWhole: readWholeAnswer,
  readEmbeddings: readEmbeddingAnswer,
};
