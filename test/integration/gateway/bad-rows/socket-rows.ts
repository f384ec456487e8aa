import type { ErrorCode } from '../../../../electron/agent/base/errors.ts';
import { getText, postText } from './answers.ts';

/** One bad head or one bad way to send a body, for any path; `body` is a good one, or null where the route takes none. */
export interface SocketRow {
  readonly row: string;
  readonly name: string;
  readonly request: (path: string, body: string | null) => string;
  readonly status: number;
  readonly code: ErrorCode;
  /** Whether routes that only tell something are asked in the same way. */
  readonly telling: boolean;
  /** Where there is no path, or none has come whole, it cannot be told which dialect the caller speaks. */
  readonly pathless?: true;
}

const plain = (path: string, body: string | null, headers: readonly string[] = []): string =>
  body === null ? getText(path, headers) : postText(path, body, headers);

/** A head that is refused whatever route it is for. */
function head(
  row: string,
  name: string,
  status: number,
  code: ErrorCode,
  change: (request: string) => string,
): SocketRow {
  return { row, name, status, code, telling: true, request: (path, body) => change(plain(path, body)) };
}

const host = (value: string) => (request: string) => request.replace('Host: HOST', value);
const extra = (header: string) => (request: string) => request.replace('Host: HOST', `Host: HOST\r\n${header}`);

/** A body that is refused by the way it comes. */
function sent(row: string, name: string, status: number, code: ErrorCode, request: SocketRow['request']): SocketRow {
  return { row, name, status, code, telling: false, request };
}

const open = (path: string, lines: readonly string[]): string =>
  `POST ${path} HTTP/1.1\r\n${['Host: HOST', ...lines].join('\r\n')}\r\n\r\n`;
const json = 'Content-Type: application/json';
const typed = (type: string) => (path: string, body: string | null) =>
  postText(path, body ?? '', [`Content-Type: ${type}`]);
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`;

const unread = (row: SocketRow): SocketRow => ({ ...row, pathless: true });

export const socketRows: readonly SocketRow[] = [
  head('B1', 'a foreign Host', 421, 'wrong_host', host('Host: evil.com')),
  head('B2', 'a Host that begins with localhost', 421, 'wrong_host', host('Host: localhost.evil.com')),
  head('B3', 'a Host with more than a host', 421, 'wrong_host', host('Host: HOST/?')),
  head('B4', 'no Host', 400, 'invalid_request', host('X-A: b')),
  head('B4', 'two Hosts', 400, 'invalid_request', host('Host: HOST\r\nHost: HOST')),
  head('B6', 'a foreign Origin', 403, 'forbidden', extra('Origin: http://evil.com')),
  head('B7', 'Origin null', 403, 'forbidden', extra('Origin: null')),
  head('B8', 'a WebSocket upgrade', 400, 'invalid_request', (request) =>
    request.replace('Connection: close', 'Connection: Upgrade\r\nUpgrade: websocket'),
  ),
  head('B9', 'a request from another site', 403, 'forbidden', extra('Sec-Fetch-Site: cross-site')),
  sent('B10', 'JSON as text/plain', 415, 'unsupported_media_type', typed('text/plain')),
  sent('B12', 'a form', 415, 'unsupported_media_type', typed('application/x-www-form-urlencoded')),
  sent('B12', 'a multipart form', 415, 'unsupported_media_type', typed('multipart/form-data; boundary=x')),
  head('B13', 'a preflight from an unknown origin', 403, 'forbidden', (request) =>
    extra('Origin: http://evil.com\r\nAccess-Control-Request-Method: POST')(request.replace(/^[A-Z]+/, 'OPTIONS')),
  ),
  sent('B21', 'a length and chunks', 400, 'invalid_request', (path) =>
    open(path, [json, 'Content-Length: 5', 'Transfer-Encoding: chunked']).concat('0\r\n\r\n'),
  ),
  sent('B21', 'a coding before chunked', 400, 'invalid_request', (path, body) =>
    open(path, [json, 'Connection: close', 'Transfer-Encoding: gzip, chunked']).concat(chunk(body ?? '')),
  ),
  sent('B22', 'two lengths', 400, 'invalid_request', (path) =>
    open(path, [json, 'Content-Length: 5', 'Content-Length: 6']).concat('hello!'),
  ),
  sent('B22', 'a bad chunk', 400, 'invalid_request', (path) =>
    open(path, [json, 'Transfer-Encoding: chunked']).concat('zz\r\nhello\r\n'),
  ),
  head('B22', 'a bare LF', 400, 'invalid_request', extra('X-A: b\nX-B: c')),
  head('B22', 'a folded header', 400, 'invalid_request', extra('X-A: b\r\n c')),
  head('B23', 'a header of 17 KiB', 431, 'headers_too_large', extra(`X-A: ${'a'.repeat(17 * 1024)}`)),
  head('B23', 'two hundred headers', 431, 'headers_too_large', extra(`${'X-A: b\r\n'.repeat(199)}X-A: b`)),
  unread(
    head(
      'B25',
      'a head that trickles',
      408,
      'request_timeout',
      (request) => `${request.split('\r\n', 1)[0] ?? ''}\r\nX-A: `,
    ),
  ),
  sent('B26', 'a body that trickles', 408, 'request_timeout', (path) =>
    open(path, [json, 'Content-Length: 500']).concat('{"model"'),
  ),
  sent('B27', 'a body over the limit', 413, 'payload_too_large', (path) =>
    open(path, [json, `Content-Length: ${33 * 1024 * 1024}`]),
  ),
  head('B5', 'an absolute-form target', 400, 'invalid_request', (request) =>
    request.replace(/^([A-Z]+) (\S+)/, '$1 http://HOST$2'),
  ),
  head('B34', 'encoded dots in the path', 400, 'invalid_request', (request) =>
    request.replace(/^([A-Z]+) (\S+)/, '$1 $2/%2e%2e'),
  ),
  head('B34', 'an encoded backslash in the path', 400, 'invalid_request', (request) =>
    request.replace(/^([A-Z]+) (\S+)/, '$1 $2%5c'),
  ),
  head('B34', 'a NUL in the path', 400, 'invalid_request', (request) => request.replace(/^([A-Z]+) (\S+)/, '$1 $2%00')),
  head('B35', 'TRACE', 405, 'method_not_allowed', (request) => request.replace(/^[A-Z]+/, 'TRACE')),
  unread(head('B35', 'CONNECT', 405, 'method_not_allowed', () => 'CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n')),
];

export interface UpstreamRow {
  readonly row: string;
  readonly name: string;
  /** The bytes that the upstream answers with. */
  readonly answer: string;
  readonly status: number;
  readonly code: ErrorCode;
}

const answer = (status: number, type: string, body: string, more = ''): string =>
  `HTTP/1.1 ${status} X\r\nContent-Type: ${type}\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
const said = (message: string, type = 'x'): string => JSON.stringify({ error: { message, type } });
const html = '<html><body>Internal error at /home/user/engine.py</body></html>';

export const upstreamRows: readonly UpstreamRow[] = [
  {
    row: 'B49',
    name: 'a prompt that only the engine finds too long',
    answer: answer(400, 'application/json', said('Too long.', 'exceed_context_size_error')),
    status: 400,
    code: 'context_length_exceeded',
  },
  { row: 'B53', name: 'HTML', answer: answer(200, 'text/html', html), status: 502, code: 'upstream_failed' },
  { row: 'B53', name: 'HTML that fails', answer: answer(500, 'text/html', html), status: 502, code: 'engine_failed' },
  {
    row: 'B54',
    name: 'a redirect elsewhere with a cookie',
    answer: answer(302, 'text/plain', '', 'Location: http://evil.com/\r\nSet-Cookie: a=b\r\n'),
    status: 502,
    code: 'engine_failed',
  },
  {
    row: 'B55',
    name: 'an error that repeats the key',
    answer: answer(400, 'application/json', said('Invalid request with key engine-key.')),
    status: 400,
    code: 'invalid_request',
  },
  {
    row: 'B55',
    name: 'a refusal of the key',
    answer: answer(401, 'application/json', said('Incorrect key engine-key.')),
    status: 502,
    code: 'engine_failed',
  },
];
