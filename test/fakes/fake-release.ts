/**
 * A fake of GitHub's releases and of Hugging Face's files, run as a process of its own: `node fake-release.ts FOLDER`.
 * It prints its port. Every file of the folder is in the release; steered by `POST /_fake/behaviour`.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';

export interface FakeReleaseBehaviour {
  /** Answered for every file. */
  fileStatus: number;
  /** Answered for the list of releases. */
  listStatus: number;
  /** The list names another digest than the files have. */
  wrongDigest: boolean;
  /** The digest is only in the release's sha256sum.txt, or nowhere. */
  digestIn: 'list' | 'sums' | 'nowhere';
  /** This many times a file breaks off in its middle. */
  cuts: number;
  /** A file stops in its middle and goes on never. */
  hang: boolean;
  tag: string;
}

const [folder = '.'] = process.argv.slice(2);
const behaviour: FakeReleaseBehaviour = {
  fileStatus: 200,
  listStatus: 200,
  wrongDigest: false,
  digestIn: 'list',
  cuts: 0,
  hang: false,
  tag: 'b20000',
};
const state = { files: 0, ranges: [] as string[] };

const digestOf = (content: Buffer): string =>
  behaviour.wrongDigest ? '0'.repeat(64) : createHash('sha256').update(content).digest('hex');

function files(): { name: string; content: Buffer }[] {
  return readdirSync(folder).map((name) => ({ name, content: readFileSync(join(folder, name)) }));
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

function list(response: ServerResponse, host: string): void {
  const assets = files().map(({ name, content }) => ({
    name,
    browser_download_url: `http://${host}/files/${name}`,
    size: content.length,
    digest: behaviour.digestIn === 'list' ? `sha256:${digestOf(content)}` : null,
  }));
  const sums = {
    name: 'sha256sum.txt',
    browser_download_url: `http://${host}/files/sha256sum.txt`,
    size: 1,
    digest: null,
  };
  // The newest one holds no programs, as some tags do.
  json(response, [
    { tag_name: 'v9.9.9', assets: [{ name: 'notes.txt', browser_download_url: `http://${host}/x`, size: 1 }] },
    { tag_name: behaviour.tag, assets: behaviour.digestIn === 'sums' ? [...assets, sums] : assets },
  ]);
}

function send(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
  state.files += 1;
  if (behaviour.fileStatus !== 200) {
    response.writeHead(behaviour.fileStatus).end();
    return;
  }
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  if (range !== undefined) state.ranges.push(range);
  const rest = content.subarray(Number(range ?? 0));
  response.writeHead(range === undefined ? 200 : 206, { 'Content-Length': rest.length });
  if (behaviour.hang || behaviour.cuts > 0) {
    const isCut = behaviour.cuts > 0;
    if (isCut) behaviour.cuts -= 1;
    response.write(rest.subarray(0, Math.ceil(rest.length / 2)), () => {
      if (isCut) response.destroy();
    });
    return;
  }
  response.end(rest);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://fake');
  const host = request.headers.host ?? '';
  if (pathname.startsWith('/_fake/')) {
    let body = '';
    for await (const piece of request) body += String(piece);
    Object.assign(behaviour, JSON.parse(body));
    json(response, state);
    return;
  }
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  if (name === 'releases') {
    if (behaviour.listStatus === 200) list(response, host);
    else json(response, { message: 'rate limit' }, behaviour.listStatus);
    return;
  }
  if (pathname.endsWith('/tree/main')) {
    json(
      response,
      files().map((file) => ({ path: file.name, size: file.content.length, lfs: { oid: digestOf(file.content) } })),
    );
    return;
  }
  if (name === 'sha256sum.txt') {
    response.end(
      files()
        .map((file) => `${digestOf(file.content)}  ./${file.name}\n`)
        .join(''),
    );
    return;
  }
  const file = files().find((each) => each.name === name);
  if (file) send(request, response, file.content);
  else response.writeHead(404).end();
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
