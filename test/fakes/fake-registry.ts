import { createHash } from 'node:crypto';
import { createReadStream, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { noFaults, serveFile, type ServedFile } from './fake-hub-faults.ts';
import type { FakeRegistryFaults, FakeRegistryModel } from './fake-registry-process.ts';

// Stands in for the registry of the Ollama library: `node fake-registry.ts FOLDER '[{"name":"library/gemma","tag":…}]'`
// prints its port. Manifests and blobs are answered as the real one does; there is no list of tags there either.
// POST /_fake/behaviour sets faults, POST /_fake/state tells what was asked.

const [folder = '', listed = '[]'] = process.argv.slice(2);
const faults: FakeRegistryFaults = { ...noFaults, quietAfter: null };
const requests: string[] = [];
const manifests = new Map<string, string>();
const blobs = new Map<string, ServedFile>();
const seen = new Map<string, ServedFile>();

for (const model of JSON.parse(listed) as FakeRegistryModel[]) await add(model);

async function add({ name, tag, file, type, quantization }: FakeRegistryModel): Promise<void> {
  const weights = seen.get(file) ?? (await served(file));
  seen.set(file, weights);
  const config = JSON.stringify({
    model_format: 'gguf',
    model_family: 'gemma3',
    model_families: ['gemma3'],
    model_type: type,
    file_type: quantization,
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [`sha256:${weights.digest}`] },
  });
  const configFile = join(folder, `${name.replace('/', '-')}-${tag}.json`);
  writeFileSync(configFile, config);
  const configBlob = await served(configFile);
  blobs.set(`sha256:${weights.digest}`, weights).set(`sha256:${configBlob.digest}`, configBlob);
  const layer = (mediaType: string, { digest, sizeBytes }: ServedFile) => ({
    mediaType,
    digest: `sha256:${digest}`,
    size: sizeBytes,
  });
  manifests.set(
    `${name}:${tag}`,
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: layer('application/vnd.docker.container.image.v1+json', configBlob),
      layers: [layer('application/vnd.ollama.image.model', weights)],
    }),
  );
}

async function served(file: string): Promise<ServedFile> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>)
    hash.update(piece);
  return { file, sizeBytes: statSync(file).size, digest: hash.digest('hex') };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '/', 'http://registry');
  if (pathname.startsWith('/_fake/')) {
    void control(request, response, pathname);
    return;
  }
  requests.push(`${request.method ?? ''} ${pathname}`);
  const stored = blobs.get(pathname.replace('/stored/', ''));
  if (stored) {
    serveFile(request, response, stored, faults);
    return;
  }
  const [, name = '', kind = '', reference = ''] =
    /^\/v2\/([^/]+\/[^/]+)\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? [];
  if (kind === 'manifests' && faults.quietAfter !== null) {
    if (faults.quietAfter === 0) return;
    faults.quietAfter -= 1;
  }
  const manifest = kind === 'manifests' ? manifests.get(`${name}:${reference}`) : undefined;
  const blob = kind === 'blobs' ? blobs.get(reference) : undefined;
  // The real one calls its manifests plain text.
  if (manifest !== undefined && faults.status === null)
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(manifest);
  else if (manifest !== undefined) response.writeHead(faults.status ?? 500).end();
  else if (blob && request.method === 'GET') {
    // The real one keeps its blobs on another host, and Ollama relies on being sent there.
    const { port } = server.address() as AddressInfo;
    response.writeHead(307, { location: `http://localhost:${port}/stored/${reference}` }).end();
  } else if (blob) serveFile(request, response, blob, faults);
  else response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
}

async function control(request: IncomingMessage, response: ServerResponse, pathname: string): Promise<void> {
  const body = await text(request);
  if (pathname === '/_fake/behaviour') Object.assign(faults, JSON.parse(body));
  response
    .writeHead(200, { 'content-type': 'application/json', connection: 'close' })
    .end(JSON.stringify({ requests }));
}

const server = createServer(answer);
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
