/**
 * A fake keyring of a Linux desktop, run as a process of its own: `node fake-secret-service.ts BUS-SOCKET`. It owns
 * org.freedesktop.secrets on that session bus, keeps one collection in memory, prints `ready`, and obeys lines on its
 * standard input: `lock`, `unlock` (as by typing the password, also into a prompt that is open) and `dismiss`.
 */
import { createCipheriv, createDecipheriv, getDiffieHellman, hkdfSync, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { decodeMessage, encodeMessage, type DbusMessage, type DbusValue, type Variant } from './dbus-wire.ts';

interface Item {
  readonly path: string;
  attributes: ReadonlyMap<string, string>;
  secret: Buffer;
}

const root = '/org/freedesktop/secrets';
const collection = `${root}/collection/login`;
const aliased = `${root}/aliases/default`;
const nothing = '/';

const items = new Map<string, Item>();
/** Key of each session; null for one in the clear. */
const sessions = new Map<string, Buffer | null>();
const prompts = new Set<string>();
let locked = false;
let count = 0;
let serial = 0;
let received = Buffer.alloc(0);
let isAuthenticated = false;

const socket = connect(process.argv[2] ?? '');

function send(message: Partial<DbusMessage> & Pick<DbusMessage, 'type'>): void {
  serial += 1;
  socket.write(encodeMessage({ ...message, serial }));
}

function reply(call: DbusMessage, signature: string, ...body: DbusValue[]): void {
  send({ type: 2, destination: call.sender, replySerial: call.serial, signature, body });
}

function refuse(call: DbusMessage, name: string): void {
  const errorName = `org.freedesktop.${name}`;
  send({ type: 3, destination: call.sender, replySerial: call.serial, errorName, signature: 's', body: [name] });
}

function openSession(call: DbusMessage): void {
  const [algorithm, input] = call.body as [string, Variant];
  count += 1;
  const path = `${root}/session/s${count}`;
  if (algorithm === 'plain') {
    sessions.set(path, null);
    reply(call, 'vo', { signature: 's', value: '' }, path);
    return;
  }
  const exchange = getDiffieHellman('modp2');
  exchange.generateKeys();
  const theirs = Buffer.from(input.value as number[]);
  const shared = exchange.computeSecret(theirs);
  // The salt is left out and the shared number keeps its full length, as the specification has it.
  const padded = Buffer.concat([Buffer.alloc(128 - shared.length), shared]);
  sessions.set(path, Buffer.from(hkdfSync('sha256', padded, Buffer.alloc(32), Buffer.alloc(0), 16)));
  reply(call, 'vo', { signature: 'ay', value: exchange.getPublicKey() }, path);
}

function sealed(session: string, secret: Buffer): DbusValue {
  const key = sessions.get(session);
  if (!key) return [session, Buffer.alloc(0), secret, 'text/plain'];
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  return [session, iv, Buffer.concat([cipher.update(secret), cipher.final()]), 'text/plain'];
}

function opened(value: DbusValue): Buffer {
  const [session, iv, bytes] = value as [string, number[], number[]];
  const key = sessions.get(session);
  if (!key) return Buffer.from(bytes);
  const decipher = createDecipheriv('aes-128-cbc', key, Buffer.from(iv));
  return Buffer.concat([decipher.update(Buffer.from(bytes)), decipher.final()]);
}

function found(wanted: DbusValue): string[] {
  const pairs = wanted as [string, string][];
  const fits = ({ attributes }: Item): boolean => pairs.every(([name, value]) => attributes.get(name) === value);
  return [...items.values()].filter(fits).map(({ path }) => path);
}

function createItem(call: DbusMessage): void {
  const [properties, secret] = call.body as [[string, Variant][], DbusValue];
  const given = properties.find(([name]) => name.endsWith('.Attributes'))?.[1].value ?? [];
  const same = found(given)[0];
  count += 1;
  const path = same ?? `${collection}/i${count}`;
  items.set(path, { path, attributes: new Map(given as [string, string][]), secret: opened(secret) });
  reply(call, 'oo', path, nothing);
}

function unlock(call: DbusMessage): void {
  if (!locked) {
    reply(call, 'aoo', call.body[0] ?? [], nothing);
    return;
  }
  count += 1;
  const prompt = `${root}/prompt/p${count}`;
  reply(call, 'aoo', [], prompt);
}

function completed(path: string, dismissed: boolean): void {
  const value: Variant = { signature: 'ao', value: dismissed ? [] : [collection, ...items.keys()] };
  const iface = 'org.freedesktop.Secret.Prompt';
  send({ type: 4, path, iface, member: 'Completed', signature: 'bv', body: [dismissed, value] });
}

function property(path: string, name: string): Variant | null {
  if (name === 'Locked') return { signature: 'b', value: locked };
  if (name === 'Label') return { signature: 's', value: 'Login' };
  if (name === 'Collections') return { signature: 'ao', value: [collection] };
  if (name === 'Items') return { signature: 'ao', value: [...items.keys()] };
  if (name === 'Attributes') return { signature: 'a{ss}', value: [...(items.get(path)?.attributes ?? [])] };
  if (name === 'Created' || name === 'Modified') return { signature: 'u', value: 0 };
  return null;
}

function searchItems(message: DbusMessage): void {
  const paths = found(message.body[0] ?? []);
  if (message.path !== root) reply(message, 'ao', paths);
  else if (locked) reply(message, 'aoao', [], paths);
  else reply(message, 'aoao', paths, []);
}

function getSecret(message: DbusMessage): void {
  const item = items.get(message.path);
  if (item) reply(message, '(oayays)', sealed(message.body[0] as string, item.secret));
  else refuse(message, 'Secret.Error.NoSuchObject');
}

function getSecrets(message: DbusMessage): void {
  const [paths, session] = message.body as [string[], string];
  const wanted = paths.flatMap((each) => items.get(each) ?? []);
  const pairs = wanted.map((each): DbusValue => [each.path, sealed(session, each.secret)]);
  reply(message, 'a{o(oayays)}', pairs);
}

function setSecret(message: DbusMessage): void {
  const item = items.get(message.path);
  if (item) item.secret = opened(message.body[0] ?? []);
  reply(message, '');
}

function getProperty(message: DbusMessage): void {
  const value = property(message.path, message.body[1] as string);
  if (value) reply(message, 'v', value);
  else refuse(message, 'DBus.Error.UnknownProperty');
}

function getProperties(message: DbusMessage): void {
  const all = ['Locked', 'Label', 'Items', 'Attributes', 'Created', 'Modified', 'Collections'];
  const pairs = all.flatMap((name): DbusValue[] => {
    const value = property(message.path, name);
    return value ? [[name, value]] : [];
  });
  reply(message, 'a{sv}', pairs);
}

function setProperty(message: DbusMessage): void {
  const [, name, value] = message.body as [string, string, Variant];
  const item = items.get(message.path);
  if (item && name === 'Attributes') item.attributes = new Map(value.value as [string, string][]);
  reply(message, '');
}

const methods: Readonly<Record<string, (message: DbusMessage) => void>> = {
  OpenSession: openSession,
  SearchItems: searchItems,
  ReadAlias: (message) => reply(message, 'o', message.body[0] === 'default' ? collection : nothing),
  Unlock: unlock,
  Prompt: (message) => {
    prompts.add(message.path);
    reply(message, '');
  },
  CreateItem: createItem,
  GetSecret: getSecret,
  GetSecrets: getSecrets,
  SetSecret: setSecret,
  Delete: (message) => {
    items.delete(message.path);
    reply(message, 'o', nothing);
  },
  Get: getProperty,
  GetAll: getProperties,
  Set: setProperty,
  Close: (message) => reply(message, ''),
  Ping: (message) => reply(message, ''),
};
const needOpen: ReadonlySet<string> = new Set(['GetSecret', 'SetSecret', 'GetSecrets', 'CreateItem', 'Delete']);

function call(message: DbusMessage): void {
  const method = methods[message.member];
  if (locked && needOpen.has(message.member)) refuse(message, 'Secret.Error.IsLocked');
  else if (method) method(message);
  else refuse(message, 'DBus.Error.UnknownMethod');
}

function greet(): void {
  const bus = { path: '/org/freedesktop/DBus', iface: 'org.freedesktop.DBus', destination: 'org.freedesktop.DBus' };
  send({ type: 1, ...bus, member: 'Hello' });
  send({ type: 1, ...bus, member: 'RequestName', signature: 'su', body: ['org.freedesktop.secrets', 0] });
}

function read(bytes: Buffer): void {
  received = Buffer.concat([received, bytes]);
  if (!isAuthenticated) {
    if (!received.includes('OK ')) return;
    isAuthenticated = true;
    received = Buffer.alloc(0);
    socket.write('BEGIN\r\n');
    greet();
    return;
  }
  for (let next = decodeMessage(received); next !== null; next = decodeMessage(received)) {
    received = received.subarray(next.length);
    const { message } = next;
    // The second answer is the bus's to the wish for the name.
    if (message.type === 2 && message.replySerial === 2) process.stdout.write('ready\n');
    if (message.type === 1) call({ ...message, path: message.path.replace(aliased, collection) });
  }
}

socket.once('connect', () => {
  const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
  socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
});
socket.on('data', read).on('error', () => process.exit(1));
createInterface({ input: process.stdin })
  .on('line', (line) => {
    locked = line === 'lock' || (line === 'dismiss' && locked);
    if (line !== 'lock') {
      for (const path of prompts) completed(path, line === 'dismiss');
      prompts.clear();
    }
    process.stdout.write(`${line}ed with ${prompts.size} open\n`);
  })
  .on('close', () => process.exit(0));
