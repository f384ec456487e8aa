/** What of a request tells the dialect in which its caller expects an answer. */
export interface Asked {
  /** The request target. */
  readonly url: string;
  readonly rawHeaders: readonly string[];
}

const requestLine = /^\S+ (\S+) HTTP\//gm;

/**
 * What can be read of a request that Node's parser refused, out of the bytes that it says it refused; null where its first
 * line is not among them, as with a head that came in several reads or never came to its end.
 */
export function refusedRequest(error: Error): Asked | null {
  const packet: unknown = Reflect.get(error, 'rawPacket');
  if (!Buffer.isBuffer(packet)) return null;
  const parsed: unknown = Reflect.get(error, 'bytesParsed');
  const text = packet.toString('latin1');
  let found: RegExpExecArray | null = null;
  // Several requests may have come at once, and those before the refused one are good.
  for (const line of text.matchAll(requestLine)) {
    if (found === null || typeof parsed !== 'number' || line.index <= parsed) found = line;
  }
  if (found === null) return null;
  const [head = ''] = text.slice(found.index).split('\r\n\r\n', 1);
  return { url: found[1] ?? '', rawHeaders: head.split('\r\n').slice(1).flatMap(nameAndValue) };
}

function nameAndValue(line: string): string[] {
  const colon = line.indexOf(':');
  return colon === -1 ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()];
}
