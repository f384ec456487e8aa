/** The wire format of D-Bus, as much of it as a fake service needs: little-endian messages of protocol version 1. */

/** A value whose type travels with it. */
export interface Variant {
  readonly signature: string;
  readonly value: DbusValue;
}

/** By signature: y u b as numbers and booleans, s o g as text, arrays, structs and entries as lists, v as {@link Variant}. */
export type DbusValue = number | boolean | string | Variant | Uint8Array | readonly DbusValue[];

export interface DbusMessage {
  /** 1 call, 2 return, 3 error, 4 signal. */
  readonly type: number;
  readonly serial: number;
  readonly path: string;
  readonly iface: string;
  readonly member: string;
  readonly errorName: string;
  readonly replySerial: number;
  readonly destination: string;
  readonly sender: string;
  readonly signature: string;
  readonly body: readonly DbusValue[];
}

const headerFields = [
  'path',
  'iface',
  'member',
  'errorName',
  'replySerial',
  'destination',
  'sender',
  'signature',
] as const;
const headerSignatures = ['o', 's', 's', 's', 'u', 's', 's', 'g'] as const;

/** The complete types of a signature, such as `ao`, `s` of `aos`. */
function typesOf(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length;) {
    const end = endOfType(signature, at);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function endOfType(signature: string, at: number): number {
  const code = signature[at];
  if (code === 'a') return endOfType(signature, at + 1);
  if (code !== '(' && code !== '{') return at + 1;
  let depth = 0;
  for (let end = at; end < signature.length; end += 1) {
    if ('({'.includes(signature[end] ?? '')) depth += 1;
    if (')}'.includes(signature[end] ?? '')) depth -= 1;
    if (depth === 0) return end + 1;
  }
  throw new Error(`broken signature ${signature}`);
}

function alignmentOf(type: string): number {
  const code = type[0] ?? '';
  if ('ygv'.includes(code)) return 1;
  return '({'.includes(code) ? 8 : 4;
}

class Writer {
  #bytes = Buffer.alloc(64 * 1024);
  #length = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  pad(alignment: number): void {
    this.#length += (alignment - (this.#length % alignment)) % alignment;
  }

  u32(value: number, at?: number): number {
    if (at === undefined) this.pad(4);
    const place = at ?? this.#length;
    this.#bytes.writeUInt32LE(value, place);
    if (at === undefined) this.#length += 4;
    return place;
  }

  byte(value: number): void {
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  text(value: string): void {
    this.#length += this.#bytes.write(value, this.#length, 'utf8');
    this.byte(0);
  }

  value(type: string, value: DbusValue): void {
    const code = type[0] ?? '';
    if (code === 'y') this.byte(value as number);
    else if (code === 'b') this.u32(value === true ? 1 : 0);
    else if (code === 'u') this.u32(value as number);
    else if (code === 'g') this.#signature(value as string);
    else if (code === 's' || code === 'o') this.#string(value as string);
    else if (code === 'v') this.#variant(value as Variant);
    else if (code === 'a') this.#array(type.slice(1), value);
    else this.#struct(typesOf(type.slice(1, -1)), value as readonly DbusValue[]);
  }

  #signature(value: string): void {
    this.byte(value.length);
    this.text(value);
  }

  #string(value: string): void {
    this.u32(Buffer.byteLength(value));
    this.text(value);
  }

  #variant({ signature, value }: Variant): void {
    this.#signature(signature);
    this.value(signature, value);
  }

  #struct(types: readonly string[], values: readonly DbusValue[]): void {
    this.pad(8);
    for (const [index, type] of types.entries()) this.value(type, values[index] ?? 0);
  }

  #array(type: string, value: DbusValue): void {
    const place = this.u32(0);
    this.pad(alignmentOf(type));
    const start = this.#length;
    for (const item of value as Iterable<DbusValue>) this.value(type, item);
    this.u32(this.#length - start, place);
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  pad(alignment: number): void {
    this.#at += (alignment - (this.#at % alignment)) % alignment;
  }

  u32(): number {
    this.pad(4);
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  byte(): number {
    this.#at += 1;
    return this.#bytes[this.#at - 1] ?? 0;
  }

  #text(length: number): string {
    this.#at += length + 1;
    return this.#bytes.toString('utf8', this.#at - length - 1, this.#at - 1);
  }

  value(type: string): DbusValue {
    switch (type[0] ?? '') {
      case 'y':
        return this.byte();
      case 'b':
        return this.u32() === 1;
      case 'u':
        return this.u32();
      case 'g':
        return this.#text(this.byte());
      case 's':
      case 'o':
        return this.#text(this.u32());
      case 'v': {
        const signature = this.#text(this.byte());
        return { signature, value: this.value(signature) };
      }
      case 'a': {
        const length = this.u32();
        this.pad(alignmentOf(type.slice(1)));
        const end = this.#at + length;
        const items: DbusValue[] = [];
        while (this.#at < end) items.push(this.value(type.slice(1)));
        return items;
      }
      default:
        this.pad(8);
        return typesOf(type.slice(1, -1)).map((inner) => this.value(inner));
    }
  }
}

/** A message as bytes; what is empty or 0 in its head is left out. */
export function encodeMessage(message: Partial<DbusMessage> & Pick<DbusMessage, 'type' | 'serial'>): Buffer {
  const { signature = '', body = [] } = message;
  const content = new Writer();
  for (const [index, type] of typesOf(signature).entries()) content.value(type, body[index] ?? 0);
  const head = new Writer();
  for (const byte of [0x6c, message.type, 0, 1]) head.byte(byte);
  head.u32(content.bytes.length);
  head.u32(message.serial);
  const fields = headerFields.flatMap((name, index): DbusValue[] => {
    const value = message[name];
    const known = value !== undefined && value !== '' && value !== 0;
    return known ? [[index + 1, { signature: headerSignatures[index] ?? 's', value }]] : [];
  });
  head.value('a(yv)', fields);
  head.pad(8);
  return Buffer.concat([head.bytes, content.bytes]);
}

/** The first message of `bytes` and how long it is; null while it is not whole. */
export function decodeMessage(bytes: Buffer): { readonly message: DbusMessage; readonly length: number } | null {
  if (bytes.length < 16) return null;
  const bodyLength = bytes.readUInt32LE(4);
  const headLength = Math.ceil((16 + bytes.readUInt32LE(12)) / 8) * 8;
  if (bytes.length < headLength + bodyLength) return null;
  const fields = new Reader(bytes, 12).value('a(yv)') as readonly (readonly [number, Variant])[];
  const head: Record<string, DbusValue> = {};
  for (const [code, { value }] of fields) head[headerFields[code - 1] ?? 'unknown'] = value;
  const text = (name: string): string => (typeof head[name] === 'string' ? head[name] : '');
  const signature = text('signature');
  const content = new Reader(bytes.subarray(headLength, headLength + bodyLength));
  const message: DbusMessage = {
    type: bytes[1] ?? 0,
    serial: bytes.readUInt32LE(8),
    path: text('path'),
    iface: text('iface'),
    member: text('member'),
    errorName: text('errorName'),
    replySerial: Number(head['replySerial'] ?? 0),
    destination: text('destination'),
    sender: text('sender'),
    signature,
    body: typesOf(signature).map((type) => content.value(type)),
  };
  return { message, length: headLength + bodyLength };
}
