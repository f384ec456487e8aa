import * as z from 'zod';
import {
  commandAnswerSchema,
  controlPaths,
  logLineSchema,
  queryAnswerSchemas,
  ticketSchema,
  type CommandAnswer,
  type CommandInput,
  type CommandName,
  type LogLine,
  type QueryAnswer,
  type QueryName,
  type QueryParams,
  type usageExportSchema,
} from '../contract/control.ts';
import { applyChange } from '../contract/events.ts';
import type { NodeSnapshot } from '../contract/snapshot.ts';
import { ControlError, connectionLost, parseJson, toControlError } from './control-error.ts';
import { exchange, exchangePieces, exchangeText, type AgentAddress, type CancelSignal } from './http-exchange.ts';
import { readEvent, readSnapshot } from './lenient.ts';
import { EventReader, LineReader } from './line-reader.ts';

/** What {@link ControlClient.watch} tells its listener. */
export type WatchEvent =
  | { readonly kind: 'snapshot'; readonly snapshot: NodeSnapshot; readonly seq: number }
  /** Told once an outage; `code` is that of a {@link ControlError}. */
  | { readonly kind: 'disconnected'; readonly message: string; readonly code: string };

export interface WatchOptions {
  /**
   * Asked before every new attempt: where the agent is now (a restarted one has another token and perhaps another
   * port), such as by reading `agent.json` again; null when there is none at the moment. With it, `watch` goes on until
   * its signal is aborted, and the client's other calls use the fresh address too.
   */
  readonly reconnect?: () => Promise<AgentAddress | null>;
  /** First and longest wait between two attempts; doubles in between. */
  readonly firstRetryMs?: number;
  readonly longestRetryMs?: number;
}

const chatChunkSchema = z.looseObject({
  model: z.string().optional(),
  choices: z
    .array(
      z.looseObject({
        delta: z.looseObject({ content: z.string().nullish() }).optional(),
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  usage: z.looseObject({ prompt_tokens: z.number().optional(), completion_tokens: z.number().optional() }).nullish(),
});
/** One event of a streamed answer in OpenAI's dialect. */
export type ChatChunk = z.infer<typeof chatChunkSchema>;

export interface ChatBody {
  /** Absent: the default model. */
  readonly model?: string;
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[];
  readonly [field: string]: unknown;
}

/** Longest silence of a plain call, of the event stream (which ticks every second), and of an answer in the making. */
const silence = {
  callMs: 15_000,
  commandMs: 120_000,
  streamMs: 12_000,
  logsMs: 60_000,
  exportMs: 60_000,
  chatMs: 900_000,
};

interface WatchState {
  /** The node as last told, and the sequence number that it stands at. */
  picture: { readonly snapshot: NodeSnapshot; readonly seq: number } | null;
  /** Attempts that failed since the last event. */
  outages: number;
}

const answerReaders: { readonly [Name in QueryName]: (value: unknown) => QueryAnswer<Name> } = {
  logs: (value) => readAs(queryAnswerSchemas.logs, value),
  settings: (value) => readAs(queryAnswerSchemas.settings, value),
  variants: (value) => readAs(queryAnswerSchemas.variants, value),
  fit: (value) => readAs(queryAnswerSchemas.fit, value),
  availability: (value) => readAs(queryAnswerSchemas.availability, value),
  installSteps: (value) => readAs(queryAnswerSchemas.installSteps, value),
  keys: (value) => readAs(queryAnswerSchemas.keys, value),
  trace: (value) => readAs(queryAnswerSchemas.trace, value),
  traces: (value) => readAs(queryAnswerSchemas.traces, value),
  sessions: (value) => readAs(queryAnswerSchemas.sessions, value),
  usage: (value) => readAs(queryAnswerSchemas.usage, value),
  secrets: (value) => readAs(queryAnswerSchemas.secrets, value),
  cloud: (value) => readAs(queryAnswerSchemas.cloud, value),
};

/** The control API from the client's side. Every call rejects with a {@link ControlError}. */
export class ControlClient {
  #address: AgentAddress;

  constructor(options: AgentAddress) {
    this.#address = { url: options.url, token: options.token };
  }

  /** The picture of the node now. */
  async snapshot(): Promise<NodeSnapshot> {
    return readSnapshot(parseJson(await this.#get(controlPaths.snapshot)));
  }

  /**
   * Follows the node: the listener gets the whole snapshot at once and after every change. Resolves when the signal is
   * aborted. Without `reconnect` it rejects when the stream cannot be opened or ends; with it, it tells `disconnected`
   * once and goes on trying.
   */
  async watch(listener: (event: WatchEvent) => void, signal: CancelSignal, options: WatchOptions = {}): Promise<void> {
    const { reconnect, firstRetryMs = 250, longestRetryMs = 2_000 } = options;
    const state: WatchState = { picture: null, outages: 0 };
    while (!signal.aborted) {
      const failure = await this.#follow(state, listener, signal);
      if (aborted(signal)) return;
      state.outages += 1;
      if (state.outages === 1) listener({ kind: 'disconnected', message: failure.message, code: failure.code });
      if (!reconnect) throw failure;
      await pause(Math.min(firstRetryMs * 2 ** (state.outages - 1), longestRetryMs), signal);
      if (aborted(signal)) return;
      this.#address = (await reconnect().catch(() => null)) ?? this.#address;
    }
  }

  /** Answers a question; see `querySchemas` and `queryAnswerSchemas` of the contract. */
  async query<Name extends QueryName>(name: Name, params: QueryParams<Name>): Promise<QueryAnswer<Name>> {
    const text = await this.#get(`${controlPaths.queries}${name}${queryString(params)}`);
    return answerReaders[name](parseJson(text));
  }

  /** The last `lines` lines of an engine's log, then each new one, until the signal is aborted. */
  async followLogs(
    engine: string,
    lines: number,
    onLine: (line: LogLine) => void,
    signal: CancelSignal,
  ): Promise<void> {
    const reader = new LineReader((line) => {
      const parsed = logLineSchema.safeParse(parseJson(line));
      if (parsed.success) onLine(parsed.data);
    });
    const path = `${controlPaths.queries}logs${queryString({ engine, lines, follow: true })}`;
    await exchange(
      this.#address,
      { method: 'GET', path, silenceMs: silence.logsMs },
      (text) => {
        reader.push(text);
      },
      signal,
    );
  }

  /**
   * Every request of the ledger as CSV or NDJSON, in pieces of text as they come; each is asked for when the one before
   * was taken. Throws when it breaks off: what came until then is not the whole. Ends early when the signal is aborted.
   */
  exportUsage(params: z.input<typeof usageExportSchema>, signal?: CancelSignal): AsyncGenerator<string, void, void> {
    const path = `${controlPaths.usageExport}${queryString(params)}`;
    return exchangePieces(this.#address, { method: 'GET', path, silenceMs: silence.exportMs }, signal);
  }

  /** Has the agent do something; resolves when it is done, or when what takes long has begun. */
  async command<Name extends CommandName>(name: Name, body: CommandInput<Name>): Promise<CommandAnswer> {
    const path = `${controlPaths.commands}${name}`;
    const text = await exchangeText(this.#address, { method: 'POST', path, body, silenceMs: silence.commandMs });
    return readAs(commandAnswerSchema, parseJson(text));
  }

  /**
   * Streams one answer. Resolves when the answer is complete or the signal was aborted; rejects when the answer broke
   * off, with the agent's own code where it told one.
   */
  async chat(body: ChatBody, onEvent: (chunk: ChatChunk) => void, signal: CancelSignal): Promise<void> {
    const answer = { complete: false };
    const reader = new EventReader(({ data }) => {
      if (data === '[DONE]') answer.complete = true;
      else onEvent(readChunk(parseJson(data)));
    });
    const call = {
      method: 'POST',
      path: controlPaths.chat,
      body: { stream_options: { include_usage: true }, ...body, stream: true },
      silenceMs: silence.chatMs,
    } as const;
    const onText = (text: string): void => {
      reader.push(text);
    };
    await exchange(this.#address, call, onText, signal);
    if (!answer.complete && !signal.aborted)
      throw new ControlError('connection_lost', 'The answer broke off before its end.');
  }

  /** A single-use address that signs a browser in to the panel. */
  async ticket(): Promise<z.infer<typeof ticketSchema>> {
    const call = { method: 'POST', path: controlPaths.tickets, body: {}, silenceMs: silence.callMs } as const;
    return readAs(ticketSchema, parseJson(await exchangeText(this.#address, call)));
  }

  #get(path: string): Promise<string> {
    return exchangeText(this.#address, { method: 'GET', path, silenceMs: silence.callMs });
  }

  /** One connection to the event stream; resolves with why it ended. */
  async #follow(state: WatchState, listener: (event: WatchEvent) => void, signal: CancelSignal): Promise<ControlError> {
    const reader = new EventReader(({ data }) => {
      const event = readEvent(parseJson(data));
      if (event.type === 'unknown') return;
      if (event.type === 'snapshot') state.picture = { snapshot: event.snapshot, seq: event.seq };
      else if (state.picture) state.picture = { snapshot: applyChange(state.picture.snapshot, event), seq: event.seq };
      else throw badAnswer();
      state.outages = 0;
      listener({ kind: 'snapshot', ...state.picture });
    });
    const from = state.picture;
    const call = {
      method: 'GET',
      path: controlPaths.events,
      silenceMs: silence.streamMs,
      ...(from ? { headers: { 'last-event-id': String(from.seq) } } : {}),
    } as const;
    const onText = (text: string): void => {
      reader.push(text);
    };
    try {
      await exchange(this.#address, call, onText, signal);
      return connectionLost();
    } catch (error) {
      return toControlError(error);
    }
  }
}

function readChunk(value: unknown): ChatChunk {
  const failed = z
    .object({ error: z.looseObject({ message: z.string(), code: z.string().nullish() }) })
    .safeParse(value);
  if (failed.success) throw new ControlError(failed.data.error.code ?? 'engine_failed', failed.data.error.message);
  return readAs(chatChunkSchema, value);
}

function readAs<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw badAnswer();
  return parsed.data;
}

/** A function, because the compiler takes a property that it has read once for settled. */
function aborted(signal: CancelSignal): boolean {
  return signal.aborted;
}

function queryString(params: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(params).filter(([, value]) => value !== undefined);
  const text = pairs.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`).join('&');
  return text === '' ? '' : `?${text}`;
}

function badAnswer(): ControlError {
  return new ControlError('bad_answer', 'The agent answered with something that this program cannot read.');
}

/** Resolves after the time or as soon as the signal is aborted. */
function pause(delayMs: number, signal: CancelSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, delayMs);
    signal.addEventListener('abort', finish);
  });
}
