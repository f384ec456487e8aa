const closingBrace = 0x7d;
const openingBrace = 0x7b;
const whiteSpace: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * A JSON object with these fields behind its own, without being parsed: where a name comes twice the servers take the
 * last one. A body that is no object stays as it is, for the server to refuse.
 */
export function withFields(body: Buffer, fields: Readonly<Record<string, string | number | boolean>>): Buffer {
  const close = body.lastIndexOf(closingBrace);
  const open = body.indexOf(openingBrace);
  if (open < 0 || close <= open) return body;
  let before = close - 1;
  while (whiteSpace.has(body[before])) before -= 1;
  const comma = before === open ? '' : ',';
  const added = comma + JSON.stringify(fields).slice(1);
  return Buffer.concat([body.subarray(0, close), Buffer.from(added)]);
}
