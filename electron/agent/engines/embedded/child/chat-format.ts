import type { LlamaModel, Token } from 'node-llama-cpp';
import type { AnswerReaderOptions } from './answer-reader.ts';
import type { ChatRequest } from './request.ts';

/** A conversation as the model reads it, and what ends its answer besides its own end token. */
export interface ChatPrompt {
  readonly tokens: Token[];
  readonly stops: readonly string[];
  /** The transcript ends without a space, so the model begins its answer with one that belongs to the form. */
  readonly trimStart: boolean;
  /** How calls and thinking are told from the answer's text. */
  readonly reading: AnswerReaderOptions;
  /** Schema of the only thing that may be answered, because a tool has to be called; null for anything. */
  readonly held: object | null;
}

/** How this model is asked: by the chat template in its file, or as a plain transcript when it has none. */
export interface ChatFormat {
  readonly hasTemplate: boolean;
  /** Whether tools can be offered. */
  readonly hasTools: boolean;
  prompt(request: Pick<ChatRequest, 'messages' | 'toolbox' | 'templateValues' | 'shape'>): ChatPrompt;
}

/** Puts the beginning-of-sequence token in front if the model wants one and the text did not bring it. */
export function withBeginning(model: LlamaModel, tokens: Token[]): Token[] {
  const { bos, shouldPrependBosToken } = model.tokens;
  return bos !== null && shouldPrependBosToken && tokens[0] !== bos ? [bos, ...tokens] : tokens;
}
