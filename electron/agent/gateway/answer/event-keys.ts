const QUOTE = 34;
const COLON = 58;
const SPACE = 32;
const BRACE = 123;
const CLOSING_BRACE = 125;
const BRACKET = 91;

const letter = {
  a: 97,
  c: 99,
  d: 100,
  e: 101,
  f: 102,
  h: 104,
  i: 105,
  o: 111,
  p: 112,
  r: 114,
  s: 115,
  t: 116,
  u: 117,
  v: 118,
  y: 121,
} as const;
/** What tells of a token, of the figures or of the end, in any of the dialects. */
const keys = {
  content: Buffer.from('content"'),
  text: Buffer.from('text"'),
  reasoningContent: Buffer.from('reasoning_content"'),
  reasoning: Buffer.from('reasoning"'),
  arguments: Buffer.from('arguments"'),
  partialJson: Buffer.from('partial_json"'),
  thinking: Buffer.from('thinking"'),
  response: Buffer.from('response"'),
  toolCalls: Buffer.from('tool_calls"'),
  usage: Buffer.from('usage"'),
  timings: Buffer.from('timings"'),
  finishReason: Buffer.from('finish_reason"'),
  stopReason: Buffer.from('stop_reason"'),
  doneReason: Buffer.from('done_reason"'),
  evalCount: Buffer.from('eval_count"'),
  done: Buffer.from('done"'),
  type: Buffer.from('type"'),
  error: Buffer.from('error"'),
  refusal: Buffer.from('refusal"'),
  audio: Buffer.from('audio"'),
  images: Buffer.from('images"'),
} as const;
const messageStop = Buffer.from('"message_stop"');
/** Blocks of Anthropic's that tell something before their first text, or have none. */
const toolUse = Buffer.from('"tool_use"');
const serverToolUse = Buffer.from('"server_tool_use"');
const redactedThinking = Buffer.from('"redacted_thinking"');

/** What a key in an event tells; `begun`: a piece of the answer that is no text; `closed` and `open`: whether it is over. */
type ToldKey = 'token' | 'begun' | 'usage' | 'timings' | 'finish' | 'closed' | 'open' | 'error';

/**
 * What the key that begins at `at`, after its opening quote, tells: a token's text that is not empty, another piece of
 * the answer, usage, timings, the end, or an error.
 */
export function keyAt(bytes: Buffer, at: number, end: number): ToldKey | null {
  // The second letter tells most keys apart, and spares looking at the others.
  const second = bytes[at + 1] ?? 0;
  switch (bytes[at] ?? 0) {
    case letter.c:
      return hasText(bytes, at, end, keys.content) ? 'token' : null;
    case letter.t:
      return keyWithT(bytes, at, end, second);
    case letter.r:
      if (hasText(bytes, at, end, keys.reasoningContent) || hasText(bytes, at, end, keys.reasoning)) return 'token';
      if (hasText(bytes, at, end, keys.response)) return 'token';
      return hasText(bytes, at, end, keys.refusal) ? 'begun' : null;
    case letter.a:
      if (hasText(bytes, at, end, keys.arguments)) return 'token';
      return hasObject(bytes, at, end, keys.audio) ? 'begun' : null;
    case letter.i:
      return hasList(bytes, at, end, keys.images) ? 'begun' : null;
    case letter.f:
      return hasText(bytes, at, end, keys.finishReason) ? 'finish' : null;
    case letter.u:
      return hasObject(bytes, at, end, keys.usage) ? 'usage' : null;
    case letter.p:
      return hasText(bytes, at, end, keys.partialJson) ? 'token' : null;
    case letter.s:
      return hasText(bytes, at, end, keys.stopReason) ? 'finish' : null;
    case letter.d:
      return second === letter.o ? keyOfDone(bytes, at, end) : null;
    case letter.e:
      if (second === letter.v) return valueAfter(bytes, at, end, keys.evalCount) === -1 ? null : 'usage';
      return second === letter.r ? keyOfError(bytes, at, end) : null;
    default:
      return null;
  }
}

function keyWithT(bytes: Buffer, at: number, end: number, second: number): ToldKey | null {
  switch (second) {
    case letter.e:
      return hasText(bytes, at, end, keys.text) ? 'token' : null;
    case letter.h:
      return hasText(bytes, at, end, keys.thinking) ? 'token' : null;
    case letter.o:
      return hasList(bytes, at, end, keys.toolCalls) ? 'token' : null;
    case letter.i:
      return hasObject(bytes, at, end, keys.timings) ? 'timings' : null;
    case letter.y: {
      const value = valueAfter(bytes, at, end, keys.type);
      if (value === -1) return null;
      if (isAt(bytes, value, end, messageStop)) return 'closed';
      if (isAt(bytes, value, end, toolUse) || isAt(bytes, value, end, serverToolUse)) return 'begun';
      return isAt(bytes, value, end, redactedThinking) ? 'begun' : null;
    }
    default:
      return null;
  }
}

function keyOfDone(bytes: Buffer, at: number, end: number): ToldKey | null {
  if (hasText(bytes, at, end, keys.doneReason)) return 'finish';
  const value = valueAfter(bytes, at, end, keys.done);
  if (value === -1) return null;
  if (bytes[value] === letter.t) return 'closed';
  return bytes[value] === letter.f ? 'open' : null;
}

function keyOfError(bytes: Buffer, at: number, end: number): ToldKey | null {
  if (hasText(bytes, at, end, keys.error)) return 'error';
  const value = valueAfter(bytes, at, end, keys.error);
  // Some servers have an empty one in every event.
  return value !== -1 && bytes[value] === BRACE && bytes[value + 1] !== CLOSING_BRACE ? 'error' : null;
}

function hasText(bytes: Buffer, at: number, end: number, key: Buffer): boolean {
  const value = valueAfter(bytes, at, end, key);
  return value !== -1 && bytes[value] === QUOTE && value + 1 < end && bytes[value + 1] !== QUOTE;
}

function hasObject(bytes: Buffer, at: number, end: number, key: Buffer): boolean {
  const value = valueAfter(bytes, at, end, key);
  return value !== -1 && bytes[value] === BRACE;
}

function hasList(bytes: Buffer, at: number, end: number, key: Buffer): boolean {
  const value = valueAfter(bytes, at, end, key);
  return value !== -1 && bytes[value] === BRACKET;
}

/** Where the value of `key` begins; -1 when another key stands there. */
function valueAfter(bytes: Buffer, at: number, end: number, key: Buffer): number {
  const { length } = key;
  if (at + length >= end || !isAt(bytes, at, end, key)) return -1;
  let next = at + length;
  while (next < end && bytes[next] === SPACE) next += 1;
  if (bytes[next] !== COLON) return -1;
  next += 1;
  while (next < end && bytes[next] === SPACE) next += 1;
  return next < end ? next : -1;
}

/** Whether `what` stands at a place. Mostly the first bytes tell that it does not, so no library is called for it. */
function isAt(bytes: Buffer, at: number, end: number, what: Buffer): boolean {
  const { length } = what;
  if (at + length > end) return false;
  for (let offset = 0; offset < length; offset += 1) {
    if (bytes[at + offset] !== what[offset]) return false;
  }
  return true;
}
