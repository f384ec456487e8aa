import { createStore, type StoreApi } from 'zustand/vanilla';
import { ranchHeaders } from '../../electron/contract/routing.ts';
import { parseChatChunk, type ChatChunk } from '../client/chat-chunk.ts';
import { ControlError, type ControlHttp } from '../client/control-http.ts';
import { readText } from '../client/line-reader.ts';
import { SseParser } from '../client/sse-parser.ts';
import { type Timers } from '../client/timers.ts';

/** What has come of an answer so far. Times are milliseconds since the epoch. */
export interface Answer {
  readonly text: string;
  /** What a reasoning model said before its answer. */
  readonly thinking: string;
  readonly sentAt: number;
  readonly firstTokenAt: number | null;
  readonly lastTokenAt: number | null;
  readonly completionTokens: number | null;
  readonly finish: string | null;
  /** The request's id; the agent's own figures for it stand under it in the activity list. */
  readonly trace: string | null;
}

export type TryItRun =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly answer: Answer }
  | { readonly kind: 'done'; readonly answer: Answer }
  | { readonly kind: 'stopped'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly answer: Answer; readonly message: string };

export interface TryItState {
  readonly prompt: string;
  /** Model id; null leaves the choice to the agent. */
  readonly model: string | null;
  readonly run: TryItRun;
  setPrompt(prompt: string): void;
  setModel(model: string | null): void;
  /** Sends the prompt to `model` (an id of the snapshot). Does nothing while an answer is coming. */
  send(model: string): Promise<void>;
  /** Hangs up; the agent frees the engine's slot. */
  stop(): void;
}
export type TryItStore = StoreApi<TryItState>;

/** Longest answer that is kept and shown. */
const maxAnswerChars = 200_000;

export function createTryItStore(deps: { http: Pick<ControlHttp, 'chat'>; timers: Timers }): TryItStore {
  return createStore<TryItState>((set, get) => {
    let current: AbortController | null = null;

    const send = async (model: string): Promise<void> => {
      if (current !== null) return;
      const controller = new AbortController();
      current = controller;
      let answer = emptyAnswer(deps.timers.now());
      const show = (next: Answer): void => {
        answer = next;
        set({ run: { kind: 'running', answer } });
      };
      show(answer);
      try {
        const message = await streamAnswer(
          deps,
          requestBody(model, get().prompt),
          controller.signal,
          () => answer,
          show,
        );
        set({ run: message === null ? { kind: 'done', answer } : { kind: 'failed', answer, message } });
      } catch (error) {
        if (controller.signal.aborted) set({ run: { kind: 'stopped', answer } });
        else set({ run: { kind: 'failed', answer, message: sentenceOf(error) } });
      } finally {
        controller.abort();
        current = null;
      }
    };

    return {
      prompt: 'Say hello, and tell me in one sentence what you are.',
      model: null,
      run: { kind: 'idle' },
      setPrompt: (prompt) => set({ prompt }),
      setModel: (model) => set({ model }),
      send,
      stop: () => current?.abort(),
    };
  });
}

function emptyAnswer(sentAt: number): Answer {
  return {
    text: '',
    thinking: '',
    sentAt,
    firstTokenAt: null,
    lastTokenAt: null,
    completionTokens: null,
    finish: null,
    trace: null,
  };
}

function requestBody(model: string, prompt: string): Readonly<Record<string, unknown>> {
  return {
    model,
    messages: [{ role: 'user', content: prompt }],
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** Reads one answer to its end; resolves with null, or with the sentence of an error that came inside the stream. */
async function streamAnswer(
  deps: { http: Pick<ControlHttp, 'chat'>; timers: Timers },
  body: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  answer: () => Answer,
  show: (answer: Answer) => void,
): Promise<string | null> {
  const response = await deps.http.chat(body, signal);
  show({ ...answer(), trace: response.headers.get(ranchHeaders.trace) });
  if (response.body === null) return 'The answer was empty. Try again.';
  const parser = new SseParser();
  const ending: { failure: string | null; ended: boolean } = { failure: null, ended: false };
  await readText(response.body, (text) => {
    const chunks = parser.push(text).map((message) => parseChatChunk(message.data));
    for (const chunk of chunks) {
      if (chunk.kind === 'error') ending.failure ??= chunk.message;
      if (chunk.kind === 'unreadable') ending.failure ??= 'Part of the answer could not be read. Try again.';
      if (chunk.kind === 'end') ending.ended = true;
    }
    show(chunks.reduce((so, chunk) => addChunk(so, chunk, deps.timers.now()), answer()));
    if (answer().text.length > maxAnswerChars) throw new ControlError(tooLong, { status: null, code: null });
  });
  if (ending.failure !== null) return ending.failure;
  return ending.ended || answer().finish !== null ? null : 'The answer broke off before its end. Try again.';
}

const tooLong = 'The answer grew longer than this page shows, so it was stopped.';

/** The answer with one more chunk that came at `now`. */
function addChunk(answer: Answer, chunk: ChatChunk, now: number): Answer {
  if (chunk.kind !== 'delta') return answer;
  const spoke = chunk.text !== '' || chunk.thinking !== '';
  return {
    ...answer,
    text: answer.text + chunk.text,
    thinking: (answer.thinking + chunk.thinking).slice(-maxAnswerChars),
    firstTokenAt: answer.firstTokenAt ?? (spoke ? now : null),
    lastTokenAt: spoke ? now : answer.lastTokenAt,
    completionTokens: chunk.completionTokens ?? answer.completionTokens,
    finish: chunk.finish ?? answer.finish,
  };
}

function sentenceOf(error: unknown): string {
  return error instanceof ControlError ? error.message : 'The connection broke while the answer came. Try again.';
}
