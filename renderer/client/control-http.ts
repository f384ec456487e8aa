import { type ZodType } from 'zod';
import {
  commandAnswerSchema,
  controlPaths,
  logLineSchema,
  queryAnswerSchemas,
  type CommandAnswer,
  type LogLine,
  type QueryAnswer,
  type QueryName,
  type QueryParams,
} from '../../electron/contract/control.ts';
import { LineReader, readText } from './line-reader.ts';

/** The agent refused or could not be reached; `message` is a sentence for the reader of the page. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  /** HTTP status; null when no answer came. */
  readonly status: number | null;
  /** Error code of the agent, when it gave one. */
  readonly code: string | null;

  constructor(message: string, details: { status: number | null; code: string | null; cause?: unknown }) {
    super(message, { cause: details.cause });
    this.status = details.status;
    this.code = details.code;
  }
}

type Fetch = (path: string, init: RequestInit) => Promise<Response>;

/** The requests of the panel besides the event stream. Each rejects with ControlError, or AbortError once aborted. */
export interface ControlHttp {
  /** Sends one command; resolves when the agent took it, which is before its effect. */
  command(name: string, body: Readonly<Record<string, unknown>>): Promise<CommandAnswer>;
  /** Asks a question; what is `undefined` is left out of the query string. */
  query<Name extends QueryName>(name: Name, params: QueryParams<Name>, signal: AbortSignal): Promise<QueryAnswer<Name>>;
  /** Opens a streamed chat; the answer's body is an event stream in OpenAI's shape. */
  chat(body: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Response>;
  /** Follows an engine's log from its last 200 lines on; resolves when the agent ends it. */
  followLog(engine: string, onLines: (lines: LogLine[]) => void, signal: AbortSignal): Promise<void>;
}

/** Longest line of a log as it crosses the wire, JSON included. */
const maxLogLineChars = 1024 * 1024;

/** The control API of the address that this page came from. */
export function createControlHttp(fetch: Fetch): ControlHttp {
  const open = async (path: string, init: RequestInit): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(path, { cache: 'no-store', credentials: 'same-origin', ...init });
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new ControlError('The agent does not answer. Wait for the page to reconnect, then try again.', {
        status: null,
        code: null,
        cause: error,
      });
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  };
  const post = (path: string, body: unknown, signal: AbortSignal | null): Promise<Response> =>
    open(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal });

  return {
    async command(name, body) {
      const response = await post(controlPaths.commands + encodeURIComponent(name), body, null);
      return readAnswer(commandAnswerSchema, await response.text());
    },
    async query(name, params, signal) {
      const text = new URLSearchParams(
        Object.entries<unknown>(params).flatMap(([key, value]) =>
          typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
            ? [[key, `${value}`]]
            : [],
        ),
      ).toString();
      const response = await open(`${controlPaths.queries}${name}${text === '' ? '' : `?${text}`}`, { signal });
      const schemas: { readonly [Each in QueryName]: ZodType<QueryAnswer<Each>> } = queryAnswerSchemas;
      return readAnswer(schemas[name], await response.text());
    },
    chat: (body, signal) => post(controlPaths.chat, body, signal),
    async followLog(engine, onLines, signal) {
      const query = new URLSearchParams({ engine, follow: 'true' });
      const response = await open(`${controlPaths.queries}logs?${query.toString()}`, { signal });
      if (response.body === null) return;
      const reader = new LineReader({ maxLineChars: maxLogLineChars });
      await readText(response.body, (text) => {
        const lines = reader.push(text).flatMap((line) => parseLogLine(line));
        if (lines.length > 0) onLines(lines);
      });
    },
  };
}

function readAnswer<Output>(schema: ZodType<Output>, text: string): Output {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const message = 'The agent answered what this page does not understand. Reload the page.';
    throw new ControlError(message, { status: null, code: null, cause });
  }
}

function parseLogLine(line: string): LogLine[] {
  if (line.trim() === '') return [];
  try {
    const parsed = logLineSchema.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}

async function errorOf(response: Response): Promise<ControlError> {
  const { status } = response;
  const described = describeError(await response.text().catch(() => ''));
  if (status === 401) {
    return new ControlError('This page is no longer signed in. Run "ranch-hand panel" in a terminal.', {
      status,
      code: described?.code ?? null,
    });
  }
  return new ControlError(described?.message ?? `The agent answered with status ${status} and gave no reason.`, {
    status,
    code: described?.code ?? null,
  });
}

/** The message and code of an error body in the control API's or OpenAI's shape; null when it is neither. */
export function describeError(text: string): { message: string; code: string | null } | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null || !('error' in body)) return null;
  const { error } = body;
  if (typeof error === 'string') return { message: error, code: null };
  if (typeof error !== 'object' || error === null || !('message' in error)) return null;
  if (typeof error.message !== 'string' || error.message === '') return null;
  return { message: error.message, code: 'code' in error && typeof error.code === 'string' ? error.code : null };
}
