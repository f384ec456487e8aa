import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FakeHubBehaviour, FakeHubFile, FakeHubRequest } from './fake-hub-behaviour.ts';
import { noFaults, serveFile, type ServedFile } from './fake-hub-faults.ts';

// Stands in for Hugging Face: `node fake-hub.ts '[{"repo":…,"path":…,"file":…}]'` prints `{"hub":PORT,"files":PORT}`.
// The hub lists files and redirects to a second host that serves them. POST /_fake/behaviour on the hub changes how it
// is, POST /_fake/state tells what was asked.

const behaviour: FakeHubBehaviour = {
  ...noFaults,
  gated: false,
  namedDigest: null,
  sizeOff: 0,
  pageSize: 1_000,
  redirectTo: null,
  direct: false,
};
const requests: FakeHubRequest[] = [];
const digests = new Map<string, string>();
const listed = JSON.parse(process.argv[2] ?? '[]') as FakeHubFile[];
const served = new Map<string, ServedFile>();
for (const { repo, path, file } of listed) {
  const digest = digests.get(file) ?? (await digestOf(file));
  digests.set(file, digest);
  served.set(`${repo}/${path}`, { file, sizeBytes: statSync(file).size, digest });
}

const files = createServer((request, response) => {
  note('files', request);
  const found = served.get(decodeURIComponent(pathOf(request).replace('/stored/', '')));
  if (found) serveFile(request, response, found, behaviour);
  else response.writeHead(404).end();
});
const hub = createServer((request, response) => {
  if (pathOf(request).startsWith('/_fake/')) {
    void control(request, response);
    return;
  }
  note('hub', request);
  const [, repo = '', verb, rest = ''] =
    /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(tree|resolve)\/(.+)$/.exec(pathOf(request)) ?? [];
  if (verb === 'tree') list(request, response, repo);
  else if (verb === 'resolve') resolve(request, response, repo, decodeURIComponent(rest.replace(/^[^/]+\//, '')));
  else response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end();
});

function list(request: IncomingMessage, response: ServerResponse, repo: string): void {
  const mine = listed.filter((file) => file.repo === repo);
  if (mine.length === 0) {
    response.writeHead(401, { 'x-error-code': 'RepoNotFound' }).end('{"error":"Repository not found"}');
    return;
  }
  const from = Number(new URL(request.url ?? '/', 'http://hub').searchParams.get('cursor') ?? 0);
  const page = mine.slice(from, from + behaviour.pageSize).map(({ path }) => {
    const found = served.get(`${repo}/${path}`);
    const size = (found?.sizeBytes ?? 0) + behaviour.sizeOff;
    const oid = behaviour.namedDigest ?? found?.digest;
    return { type: 'file', oid: '0'.repeat(40), size, path, lfs: { oid, size, pointerSize: 134 } };
  });
  const next = from + behaviour.pageSize;
  const link = `<http://127.0.0.1:${portOf(hub)}${pathOf(request)}?recursive=true&cursor=${next}>; rel="next"`;
  response.writeHead(200, { 'content-type': 'application/json', ...(next < mine.length && { link }) });
  response.end(JSON.stringify([{ type: 'directory', oid: '0'.repeat(40), size: 0, path: 'split' }, ...page]));
}

function resolve(request: IncomingMessage, response: ServerResponse, repo: string, path: string): void {
  const found = served.get(`${repo}/${path}`);
  if (!found) {
    response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    return;
  }
  if (behaviour.gated && request.headers.authorization !== 'Bearer good-token') {
    response.writeHead(401, { 'x-error-code': 'GatedRepo' }).end('Access to this model is restricted.');
    return;
  }
  if (behaviour.direct) {
    serveFile(request, response, found, behaviour);
    return;
  }
  response.writeHead(302, {
    'x-repo-commit': 'a'.repeat(40),
    'x-linked-size': found.sizeBytes,
    'x-linked-etag': `"${behaviour.namedDigest ?? found.digest}"`,
    etag: `"${behaviour.namedDigest ?? found.digest}"`,
    'set-cookie': 'tracking=1',
    location: behaviour.redirectTo ?? `http://127.0.0.1:${portOf(files)}/stored/${repo}/${path}?signature=secret`,
  });
  response.end();
}

async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (pathOf(request) === '/_fake/behaviour') Object.assign(behaviour, JSON.parse(body));
  const digestsByPath = Object.fromEntries([...served].map(([path, { digest }]) => [path, digest]));
  response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify({ behaviour, requests, digests: digestsByPath }));
}

function note(host: FakeHubRequest['host'], { method = '', url: path = '', headers }: IncomingMessage): void {
  requests.push({ host, method, path, headers: { ...headers } });
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>)
    hash.update(piece);
  return hash.digest('hex');
}

function pathOf(request: IncomingMessage): string {
  return new URL(request.url ?? '/', 'http://fake').pathname;
}

function portOf(server: typeof hub): number {
  return (server.address() as AddressInfo).port;
}

files.listen(0, '127.0.0.1', () => {
  hub.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${JSON.stringify({ hub: portOf(hub), files: portOf(files) })}\n`);
  });
});
