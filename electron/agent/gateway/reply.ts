import type { ServerResponse } from 'node:http';
import { traitsOf, type AppError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Call } from './call.ts';
import { factHeaders, type RanchFacts } from './ranch-facts.ts';

/** How long the rest of a refused body is read and thrown away, so that the refusal can be read. */
const lingerMs = 1_000;

/** Answers with a JSON document. */
export function replyJson(response: ServerResponse, status: number, value: unknown, facts: RanchFacts): void {
  const body = Buffer.from(JSON.stringify(value), 'utf8');
  response.writeHead(status, headersFor(body, facts));
  response.end(body);
}

/** Answers with plain text. */
export function replyText(response: ServerResponse, type: string, text: string, facts: RanchFacts): void {
  const body = Buffer.from(text, 'utf8');
  response.writeHead(200, headersFor(body, facts, type));
  response.end(body);
}

/** Answers with an error in the caller's dialect. Nothing of an answer may have been sent before. */
export function replyError(call: Call, error: AppError, clock: Clock): void {
  const { request, response, dialect } = call;
  const httpStatus = dialect.errorStatus(error) ?? traitsOf(error.code).httpStatus;
  const body = Buffer.from(JSON.stringify(dialect.errorBody(error)), 'utf8');
  const headers = [...headersFor(body, call.facts(error.code)), ...errorHeaders(error)];
  if (request.complete) {
    response.writeHead(httpStatus, headers);
    response.end(body);
    return;
  }
  // The request is still on its way. Closing at once would reset the connection and lose the answer.
  response.writeHead(httpStatus, [...headers, 'Connection', 'close']);
  response.write(body);
  const finish = (): void => {
    cancel();
    response.end();
  };
  const cancel = clock.after(lingerMs, finish);
  request.once('end', finish).once('close', finish).resume();
}

/** Headers that a kind of error demands: when to come back, which method to use. */
export function errorHeaders(error: AppError): string[] {
  const headers: string[] = [];
  const retryAfterS = toldRetryAfterS(error);
  if (retryAfterS !== null) headers.push('Retry-After', String(retryAfterS));
  const allow = error.context['allow'];
  if (typeof allow === 'string') headers.push('Allow', allow);
  return headers;
}

/** After how many seconds a caller is told to come back; null where no time is told. */
export function toldRetryAfterS(error: AppError): number | null {
  const retryAfterS = error.context['retryAfterS'];
  if (typeof retryAfterS === 'number') return retryAfterS;
  // Null says that waiting alone will not help.
  return retryAfterS !== null && traitsOf(error.code).httpStatus === 503 ? 1 : null;
}

function headersFor(body: Buffer, facts: RanchFacts, type = 'application/json; charset=utf-8'): string[] {
  return [
    'Content-Type',
    type,
    'Content-Length',
    String(body.length),
    'X-Content-Type-Options',
    'nosniff',
    ...factHeaders(facts),
  ];
}
