import type { IncomingMessage, ServerResponse } from 'node:http';
import type * as z from 'zod';
import { AppError } from '../base/errors.ts';
import { issueText } from '../base/issue-text.ts';
import {
  commandSchemas,
  querySchemas,
  type CommandAnswer,
  type CommandBody,
  type CommandName,
  type QueryAnswer,
  type QueryName,
} from '../../contract/control.ts';
import { readJsonBody, sendJson } from './answers.ts';
import type { LogSource, Streams } from './streams.ts';

/**
 * What each command does; resolves when it is done, rejects with an AppError. `agent.shutdown` only begins: it must
 * not wait for the stop, which waits for this very answer.
 */
export type CommandHandlers = {
  readonly [Name in CommandName]?:
    | ((body: CommandBody<Name>) => Promise<void> | void)
    | ((body: CommandBody<Name>) => Promise<AnswerParts> | AnswerParts);
};
/** What a command's answer says beside `ok`. */
type AnswerParts = Omit<CommandAnswer, 'ok'>;

/** What answers each question; `logs` can be followed, so it is asked in its own way. */
export type QueryHandlers = { readonly [Name in PlainQuery]?: Asked<Name> } & { readonly logs: LogSource };

/** `POST /control/v1/commands/:name`. */
export async function runCommand(
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  handlers: CommandHandlers,
): Promise<void> {
  if (!isCommand(name)) throw unknownName('command', name, Object.keys(commandSchemas));
  const body = await readJsonBody(request);
  const answer = await dispatch(name, body, handlers);
  sendJson(response, 200, JSON.stringify({ ok: true, ...answer }));
}

/** `GET /control/v1/queries/:name`. */
export async function answerQuery(
  name: string,
  params: URLSearchParams,
  response: ServerResponse,
  { queries, streams }: { queries: QueryHandlers; streams: Streams },
): Promise<void> {
  if (!isQuery(name)) throw unknownName('query', name, Object.keys(querySchemas));
  const given = Object.fromEntries(params);
  if (name !== 'logs') {
    sendJson(response, 200, JSON.stringify(await ask(name, given, queries)));
    return;
  }
  const { engine, lines, follow } = valid(querySchemas.logs, given);
  if (follow) streams.followLog(response, queries.logs, engine, lines);
  else sendJson(response, 200, JSON.stringify({ lines: queries.logs.tail(engine, lines) }));
}

type PlainQuery = Exclude<QueryName, 'logs'>;

type Asked<Name extends PlainQuery> = (
  params: z.output<(typeof querySchemas)[Name]>,
) => Promise<QueryAnswer<Name>> | QueryAnswer<Name>;

async function ask<Name extends PlainQuery>(
  name: Name,
  params: unknown,
  handlers: { readonly [Each in Name]?: Asked<Each> },
): Promise<unknown> {
  const schemas: { readonly [Each in PlainQuery]: z.ZodType<z.output<(typeof querySchemas)[Each]>> } = querySchemas;
  const handler: Asked<Name> | undefined = handlers[name];
  if (!handler) throw unknownName('query', name, Object.keys(handlers));
  return handler(valid(schemas[name], params));
}

async function dispatch<Name extends CommandName>(
  name: Name,
  body: unknown,
  handlers: Pick<CommandHandlers, Name>,
): Promise<object> {
  const schemas: { readonly [Each in CommandName]: z.ZodType<CommandBody<Each>> } = commandSchemas;
  const handler: ((body: CommandBody<Name>) => unknown) | undefined = handlers[name];
  if (!handler) throw unknownName('command', name, Object.keys(handlers));
  const answer = await handler(valid(schemas[name], body));
  return typeof answer === 'object' && answer !== null ? answer : {};
}

/** What stands in a body or a query string, once it fits. Throws `invalid_request` with what does not. */
export function valid<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError('invalid_request', `The request does not fit: ${issueText(parsed.error, value)}.`);
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commandSchemas, name);
}

function isQuery(name: string): name is QueryName {
  return Object.hasOwn(querySchemas, name);
}

function unknownName(what: string, name: string, known: readonly string[]): AppError {
  return new AppError(
    'not_found',
    `There is no ${what} named ${JSON.stringify(name.slice(0, 60))}. There are: ${known.join(', ')}.`,
  );
}
