import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, traitsOf } from '../base/errors.ts';
import { headerValues } from '../base/local-request.ts';

/** Most bytes of a command's body. */
const bodyLimitBytes = 1024 * 1024;

/** Headers of every answer. What a page may load is only what this listener serves, and nothing inline. */
const guardHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentPolicy("style-src 'self'"),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** A Content-Security-Policy with the given rule for styles. */
export function contentPolicy(styles: string): string {
  return (
    `default-src 'none'; script-src 'self'; ${styles}; img-src 'self'; font-src 'self'; connect-src 'self'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  );
}

export function setGuardHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(guardHeaders)) response.setHeader(name, value);
}

/** Answers with JSON text. */
export function sendJson(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'application/json; charset=utf-8', text);
}

/** Answers with a text of the given type, kept by no cache. */
export function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.statusCode = status;
  response.setHeader('content-type', contentType);
  response.setHeader('content-length', Buffer.byteLength(text));
  response.setHeader('cache-control', 'no-store');
  response.end(text);
}

/** Answers with an error, or breaks the answer off when it has begun. */
export function sendError(response: ServerResponse, error: AppError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error.code === 'unauthorized') response.setHeader('www-authenticate', 'Bearer');
  sendJson(response, traitsOf(error.code).httpStatus, errorText(error));
}

/** An error's body. */
export function errorText({ code, message }: AppError): string {
  return JSON.stringify({ error: { code, message } });
}

/**
 * The JSON body of a request. Throws an AppError: `unsupported_media_type`, `payload_too_large`, `invalid_request`.
 * A body without a type passes only where no browser is involved; a web page cannot leave out Origin and Sec-Fetch.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  requireJsonType(request);
  refusePacked(request);
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > bodyLimitBytes) throw tooLarge();
  return parseBody(await readBytes(request));
}

/** Events and not `for await`: leaving such a loop early destroys the connection, and with it the answer that says why. */
function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= bodyLimitBytes) chunks.push(chunk);
      else {
        chunks = [];
        reject(tooLarge());
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new AppError('caller_gone', 'The request broke off.')));
  });
}

/** Refuses what is not declared as JSON. */
export function requireJsonType(request: IncomingMessage): void {
  const types = headerValues(request.rawHeaders, 'content-type');
  const [type] = types;
  if (type === undefined && !hasBrowserHeaders(request)) return;
  if (types.length === 1 && /^application\/json\s*(;|$)/i.test(type?.trim() ?? '')) return;
  throw new AppError('unsupported_media_type', 'The body must be JSON. Send Content-Type: application/json.');
}

/** Never unpacked, or a few bytes could become any number. */
function refusePacked({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding'];
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return;
  throw new AppError('unsupported_media_type', 'Compressed bodies are not accepted. Send it without Content-Encoding.');
}

function hasBrowserHeaders(request: IncomingMessage): boolean {
  return request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined;
}

function parseBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new AppError('invalid_request', 'The body is not valid JSON. Send one JSON object in UTF-8.', { cause });
  }
}

function tooLarge(): AppError {
  return new AppError('payload_too_large', `The body is larger than ${bodyLimitBytes / 1024} KiB. Send less at once.`);
}
