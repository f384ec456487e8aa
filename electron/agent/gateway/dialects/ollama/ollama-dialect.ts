import type { CallerDialect, InfoRoute, Surface } from '../surface.ts';
import { OllamaAnswerWriter, OllamaEmbeddingWriter, type AnswerForm } from './answer-writer.ts';
import { decodeChat, decodeEmbed, decodeEmbeddings, decodeGenerate, type MakeWriter } from './decode.ts';
import { errorLine, ollamaError } from './errors.ts';
import { psAnswer, showAnswer, tagsAnswer, versionAnswer } from './model-info.ts';

/** Go's way to say that a time was not told; strict clients want one in every line. */
const noTime = '0001-01-01T00:00:00Z';

function answering(form: AnswerForm): MakeWriter {
  return (facts, doneReason) => new OllamaAnswerWriter(form, facts, doneReason);
}

/** An answer without text that is not done: clients add nothing to nothing. The sentence is for people who look. */
function waitingLine(form: AnswerForm, sentence: string): string {
  const empty = form === 'chat' ? { message: { role: 'assistant', content: '' } } : { response: '' };
  return `${JSON.stringify({ model: '', created_at: noTime, ...empty, done: false, status: sentence })}\n`;
}

const common = { dialect: 'ollama', streamType: 'application/x-ndjson', errorEvent: errorLine } as const;

const chat: Surface = {
  ...common,
  name: 'ollama-chat',
  decode: (body) => decodeChat(chat, body, answering('chat')),
  waitingEvent: (sentence) => waitingLine('chat', sentence),
};

const generate: Surface = {
  ...common,
  name: 'ollama-generate',
  decode: (body) => decodeGenerate(generate, body, answering('generate')),
  waitingEvent: (sentence) => waitingLine('generate', sentence),
};

// Embeddings are never streamed, so nobody can be told anything while they are made.
const embed: Surface = {
  ...common,
  name: 'ollama-embed',
  decode: (body) => decodeEmbed(embed, body, (facts) => new OllamaEmbeddingWriter('embed', facts)),
  waitingEvent: () => '',
};

const embeddings: Surface = {
  ...common,
  name: 'ollama-embeddings',
  decode: (body) => decodeEmbeddings(embeddings, body, (facts) => new OllamaEmbeddingWriter('embeddings', facts)),
  waitingEvent: () => '',
};

function told(answer: InfoRoute['answer']): InfoRoute {
  return { methods: ['GET', 'HEAD'], readsBody: false, answer };
}

/** Ollama's API from the caller's side, but for the routes that change its library. */
export const ollamaDialect: CallerDialect = {
  name: 'ollama',
  errorBody: ollamaError,
  errorStatus: () => null,
  surfaces: {
    '/api/chat': chat,
    '/api/generate': generate,
    '/api/embed': embed,
    '/api/embeddings': embeddings,
  },
  info: {
    '/': told(() => 'Ollama is running'),
    '/api/tags': told(tagsAnswer),
    '/api/ps': told(psAnswer),
    '/api/version': told(versionAnswer),
    '/api/show': { methods: ['POST'], readsBody: true, answer: showAnswer },
  },
};
