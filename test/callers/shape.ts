import type { Recorded } from './recorder.ts';

/** A request with its structure as it was, and without secrets, long texts and what differs from run to run. */
export interface Shape {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON body; null where there was none. */
  readonly body: unknown;
}

const longest = 160;
const left = 60;
/** Made by the connection, not by the program. */
const ofTheWire = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'proxy-connection']);
const secrets = new Set(['authorization', 'x-api-key', 'cookie']);

/** What is kept of a request. `folders` are places of this run, told by the names that they get. */
export function shapeOf(request: Recorded, folders: Readonly<Record<string, string>>): Shape {
  const headers = Object.entries(request.headers).flatMap(([name, value]) =>
    ofTheWire.has(name)
      ? []
      : [[name, secrets.has(name) ? secretShape(String(value)) : timeless(String(value), folders)]],
  );
  return {
    method: request.method,
    path: request.path,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: request.body === '' ? null : shortened(JSON.parse(request.body), folders),
  };
}

const secretShape = (value: string): string => (value.startsWith('Bearer ') ? 'Bearer ranch-hand' : 'ranch-hand');

function shortened(value: unknown, folders: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return plain(value, folders);
  if (Array.isArray(value)) return value.map((each) => shortened(each, folders));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shortened(each, folders)]));
}

function plain(text: string, folders: Readonly<Record<string, string>>): string {
  // Some values are JSON in a string; cut in the middle they would be none any more.
  const inner = /^[[{]/.test(text) ? json(text) : undefined;
  if (inner !== undefined) return JSON.stringify(shortened(inner, folders));
  const told = timeless(text, folders);
  return told.length <= longest ? told : `${told.slice(0, left)} … ${told.length} characters`;
}

/** Without the places and the random names of one run. */
function timeless(text: string, folders: Readonly<Record<string, string>>): string {
  let told = text;
  for (const [folder, name] of Object.entries(folders)) told = told.replaceAll(folder, name);
  told = told.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '00000000-0000-4000-8000-000000000000');
  told = told.replace(/\b[0-9a-f]{32,}\b/gi, (hex) => '0'.repeat(hex.length));
  return told;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
