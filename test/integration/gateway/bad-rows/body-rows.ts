import type { Json } from '../../../../electron/agent/gateway/dialects/json.ts';
import type { ErrorCode } from '../../../../electron/agent/base/errors.ts';
import type { BodyRoute } from './routes.ts';

/** One bad body: what it is for a route, null where the route has no such thing. */
export interface BodyRow {
  readonly row: string;
  readonly name: string;
  readonly body: (route: BodyRoute) => string | null;
  readonly status: number;
  readonly code: ErrorCode;
}

type Fields = Readonly<Record<string, Json>>;
const beside = (route: BodyRoute, fields: Fields): string => JSON.stringify({ ...route.good, ...fields });
const raw = (route: BodyRoute, more: string): string => `${JSON.stringify(route.good).slice(0, -1)},${more}}`;

/** A row whose bad input is some fields beside the good ones. */
function fields(row: string, name: string, make: (route: BodyRoute) => Fields | null): BodyRow {
  return {
    row,
    name,
    status: 400,
    code: 'invalid_request',
    body: (route) => {
      const made = make(route);
      return made === null ? null : beside(route, made);
    },
  };
}

function text(row: string, name: string, body: (route: BodyRoute) => string | null): BodyRow {
  return { row, name, body, status: 400, code: 'invalid_request' };
}

/** As {@link fields}, for what only means something where an engine is asked. */
const asked = (row: string, name: string, made: Fields): BodyRow =>
  fields(row, name, (route) => (route.asks ? made : null));

function named(row: string, model: string): BodyRow {
  const name = `the model ${JSON.stringify(model).slice(0, 40)}`;
  return { row, name, status: 404, code: 'model_not_found', body: (route) => beside(route, { model }) };
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const huge = (count: number, item: Json): Json => Array<Json>(count).fill(item);
/** The head of a PNG of so many pixels, and enough after it to be looked at. */
const png = (width: number, height: number): string => {
  const head = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
  const size = Buffer.alloc(8);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  return Buffer.concat([head, size, Buffer.alloc(32)]).toString('base64');
};
const wide = Object.fromEntries(Array.from({ length: 21_000 }, (_, at) => [`p${at}`, { type: 'string' }]));

/** Bad bodies; each is sent to every route that has such a thing. */
export const bodyRows: readonly BodyRow[] = [
  text('B29', 'broken JSON', (route) => JSON.stringify(route.good).slice(0, -1)),
  text('B29', 'text after the JSON', (route) => `${JSON.stringify(route.good)} x`),
  text('B29', 'a byte order mark', (route) => `\ufeff${JSON.stringify(route.good)}`),
  text('B29', 'NaN', (route) => raw(route, '"x":NaN')),
  text('B29', 'nothing', () => ''),
  text('B29', 'a list', (route) => `[${JSON.stringify(route.good)}]`),
  text('B30', '10,000 levels of lists', (route) => raw(route, `"x":${nested(10_000)}`)),
  text('B30', '10,000 levels of objects', (route) => raw(route, `"x":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`)),
  text('B30', 'a million empty objects', (route) => raw(route, `"x":[${'{},'.repeat(1_000_000)}{}]`)),
  text('B30', 'a million keys', (route) =>
    raw(route, Array.from({ length: 1_000_000 }, (_, at) => `"k${at}":1`).join()),
  ),
  text('B32', 'model twice', (route) => raw(route, '"model":"other"')),
  text('B32', 'model twice, once escaped', (route) => raw(route, '"mod\\u0065l":"other"')),
  text('B33', 'half a character', (route) => raw(route, '"x":"\\ud800"')),
  text('B33', 'half a character in a key', (route) => raw(route, '"\\udc00":1')),
  asked('B37', 'n_discard', { n_discard: -1 }),
  fields('B37', 'n_discard among the options', ({ dialect, limit }) =>
    dialect === 'ollama' && limit ? { options: { n_discard: -1 } } : null,
  ),
  asked('B38', 'chat_parser', { chat_parser: 'x' }),
  asked('B38', 'id_slot', { id_slot: 0 }),
  fields('B38', 'id_slot among the options', ({ dialect, limit }) =>
    dialect === 'ollama' && limit ? { options: { id_slot: 0 } } : null,
  ),
  asked('B39', 'a model name of 4 KiB', { model: 'x'.repeat(4096) }),
  fields('B39', 'a model that is no text', () => ({ model: { $ne: '' } })),
  ...['../../x', 'C:\\x', 'a\0b', '/etc/passwd', '\u001b[31mred', '\u202egnp'].map((model) => named('B39', model)),
  ...['fake-model@sha256:zz', `sha256:${'a'.repeat(63)}`, `fake-model@sha256:${'g'.repeat(64)}`].map((model) =>
    named('B40', model),
  ),
  ...['gpt-4o', 'Fake-Model', '__proto__', 'constructor', 'ranch/other'].map((model) => named('B41', model)),
  fields('B42', 'a limit as a text', ({ limit }) => limit?.('5') ?? null),
  fields('B42', 'a limit beyond reason', ({ limit }) => limit?.(1e12) ?? null),
  fields('B42', 'a limit with a fraction', ({ limit }) => limit?.(1.5) ?? null),
  // There −1 says that there is no limit.
  fields('B42', 'a limit below zero', ({ limit, dialect }) => limit?.(dialect === 'ollama' ? -3 : -1) ?? null),
  fields('B43', 'temperature below zero', ({ temperature }) => temperature?.(-1) ?? null),
  fields('B43', 'temperature beyond reason', ({ temperature }) => temperature?.(1e308) ?? null),
  fields('B43', 'temperature as a text', ({ temperature }) => temperature?.('hot') ?? null),
  text('B43', 'temperature NaN', (route) => (route.temperature ? raw(route, '"temperature":NaN') : null)),
  text('B44', 'no messages', ({ messages, good, dialect }) =>
    // There a chat without messages loads the model.
    messages && dialect !== 'ollama' ? JSON.stringify({ model: good['model'], max_tokens: 5 }) : null,
  ),
  fields('B44', 'an empty list of messages', ({ messages, dialect }) =>
    messages && dialect !== 'ollama' ? messages([]) : null,
  ),
  fields('B44', 'a bad role', ({ messages }) => messages?.([{ role: 'king', content: 'x' }]) ?? null),
  fields('B44', 'messages that are numbers', ({ messages }) => messages?.([1, 2]) ?? null),
  fields('B44', 'content that is a number', ({ messages }) => messages?.([{ role: 'user', content: 5 }]) ?? null),
  fields(
    'B44',
    '100,000 messages',
    ({ messages }) => messages?.(huge(100_000, { role: 'user', content: 'x' })) ?? null,
  ),
  fields('B45', 'an image that is none', ({ image }) => image?.(Buffer.alloc(64).toString('base64')) ?? null),
  fields('B45', 'an image in broken base64', ({ image }) => image?.('%%%%') ?? null),
  fields('B45', 'an image of 21 MiB', ({ image }) => image?.('A'.repeat(28 * 1024 * 1024)) ?? null),
  fields('B45', 'an image of ten thousand million pixels', ({ image }) => image?.(png(100_000, 100_000)) ?? null),
  fields('B45', 'sixty images that are too large together', ({ images }) => images?.(png(9_999, 9_999), 60) ?? null),
  fields('B45', 'an image without pixels', ({ image }) => image?.(png(0, 5)) ?? null),
  ...['http://169.254.169.254/x.png', 'file:///etc/passwd', 'https://example.com/x.png', '//evil.com/x.png'].map(
    (url) => fields('B46', `the image address ${url}`, ({ imageAddress }) => imageAddress?.(url) ?? null),
  ),
  fields(
    'B47',
    'a schema of 21,000 properties',
    ({ schema }) => schema?.({ type: 'object', properties: wide }) ?? null,
  ),
  fields(
    'B47',
    'a schema whose pattern multiplies',
    ({ schema }) => schema?.({ type: 'string', pattern: '((a{99}){99}){99}' }) ?? null,
  ),
  fields(
    'B47',
    'a schema of a thousand million letters',
    ({ schema }) => schema?.({ type: 'string', minLength: 1e9 }) ?? null,
  ),
  fields(
    'B47',
    'a schema that is somewhere else',
    ({ schema }) => schema?.({ $ref: 'http://169.254.169.254/schema' }) ?? null,
  ),
  fields('B47', 'a grammar', ({ asks, limit }) => (asks && limit ? { grammar: 'root ::= root root' } : null)),
  fields('B48', '10,000 stop strings', ({ stop }) => stop?.(huge(10_000, 'a')) ?? null),
  fields('B48', 'a stop that is a number', ({ stop }) => stop?.(5) ?? null),
  fields('B48', 'stream as a text', ({ streams }) => (streams ? { stream: 'true' } : null)),
  fields('B48', 'n of 1000', ({ path }) => (path.endsWith('completions') ? { n: 1000 } : null)),
  {
    // Texts to embed are read one by one, so the engine alone says; how long a prompt is may be asked of any length.
    ...fields('B49', 'a prompt over the context', ({ text, limit }) =>
      text && limit ? text('word '.repeat(40_000)) : null,
    ),
    code: 'context_length_exceeded',
  },
  asked('B51', 'api_base', { api_base: 'http://evil.com' }),
  asked('B51', 'base_url', { base_url: 'http://evil.com' }),
  asked('B51', 'extra_headers', { extra_headers: { 'x-api-key': 'y' } }),
];
