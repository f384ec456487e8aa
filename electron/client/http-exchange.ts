import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { ControlError, connectionLost, errorOfAnswer, toControlError } from './control-error.ts';

/** What of an AbortSignal is used here; a real one fits. */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Where an agent's control API is, as in `agent.json`. */
export interface AgentAddress {
  /** Such as http://127.0.0.1:45123. */
  readonly url: string;
  readonly token: string;
}

export interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Longest time without a byte, milliseconds; then `agent_silent`. */
  readonly silenceMs: number;
}

/** Most characters of a plain answer that are kept. */
const longestAnswer = 32 * 1024 * 1024;

/**
 * Sends one request and hands the text of its answer to `onText` as it arrives. Resolves when the answer has ended or
 * the signal was aborted; rejects with a ControlError for a failure status, silence, or a connection that broke.
 */
export function exchange(
  address: AgentAddress,
  call: Exchange,
  onText: (text: string) => void,
  signal?: CancelSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const request = open(address, call);
    let settled = false;
    const settle = (error?: unknown): void => {
      if (settled) return;
      settled = true;
      signal?.removeEventListener('abort', onAbort);
      if (error === undefined) resolve();
      else reject(toControlError(error));
      request.destroy();
    };
    const onAbort = (): void => settle();
    signal?.addEventListener('abort', onAbort);
    request.setTimeout(call.silenceMs, () => settle(silent(call.silenceMs)));
    request.on('error', settle);
    request.on('close', () => settle(connectionLost()));
    request.on('response', (response) => {
      read(response, onText, settle);
    });
    request.end(call.body === undefined ? undefined : JSON.stringify(call.body));
  });
}

/** The whole text of one answer. */
export async function exchangeText(address: AgentAddress, call: Exchange): Promise<string> {
  let text = '';
  await exchange(address, call, (piece) => {
    text += piece;
    if (text.length > longestAnswer) throw new ControlError('bad_answer', 'The agent answered with more than fits.');
  });
  return text;
}

/**
 * The text of an answer in pieces, none of which is asked for before the last was taken: what reads slowly slows the
 * agent down and fills no memory. Ends early when the signal is aborted; throws a ControlError for a failure status, for
 * silence while a piece is awaited, and when the connection broke before the answer's end.
 */
export async function* exchangePieces(
  address: AgentAddress,
  call: Exchange,
  signal?: CancelSignal,
): AsyncGenerator<string, void, void> {
  if (signal?.aborted === true) return;
  const request = open(address, call);
  // Errors are read off the answer or the promise below; without a listener they would end the process.
  request.on('error', () => undefined);
  const onAbort = (): void => void request.destroy();
  signal?.addEventListener('abort', onAbort);
  try {
    const response = await inTime(call.silenceMs, answerOf(request));
    response.setEncoding('utf8');
    const pieces = (response as AsyncIterable<string>)[Symbol.asyncIterator]();
    const status = response.statusCode ?? 0;
    const failed = status < 200 || status > 299;
    let failure = '';
    for (;;) {
      const next = await inTime(call.silenceMs, pieces.next());
      if (next.done === true) break;
      if (!failed) yield next.value;
      else if (failure.length < 65_536) failure += next.value;
    }
    if (failed) throw errorOfAnswer(status, failure);
  } catch (error) {
    if (signal === undefined || !isAborted(signal)) throw toControlError(error);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    request.destroy();
  }
}

/** A function, because the compiler takes a property that it has read once for settled. */
function isAborted(signal: CancelSignal): boolean {
  return signal.aborted;
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
    request.on('close', () => reject(connectionLost()));
    request.end();
  });
}

async function inTime<Result>(silenceMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(silent(silenceMs)), silenceMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function open(address: AgentAddress, call: Exchange): ClientRequest {
  const target = new URL(call.path, address.url);
  return httpRequest({
    host: target.hostname,
    port: target.port,
    path: `${target.pathname}${target.search}`,
    method: call.method,
    // A connection of its own: an agent that restarts on the same port must never meet a kept-alive socket of the old.
    agent: false,
    headers: {
      authorization: `Bearer ${address.token}`,
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    },
  });
}

function read(response: IncomingMessage, onText: (text: string) => void, settle: (error?: unknown) => void): void {
  const status = response.statusCode ?? 0;
  const failed = status < 200 || status > 299;
  let failure = '';
  response.setEncoding('utf8');
  response.on('data', (text: string) => {
    try {
      if (!failed) onText(text);
      else if (failure.length < 65_536) failure += text;
    } catch (error) {
      settle(error);
    }
  });
  response.on('aborted', () => settle(connectionLost()));
  response.on('error', settle);
  response.on('end', () => settle(failed ? errorOfAnswer(status, failure) : undefined));
}

function silent(silenceMs: number): ControlError {
  return new ControlError('agent_silent', `The agent has not answered for ${Math.round(silenceMs / 1000)} seconds.`);
}
