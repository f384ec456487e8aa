import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { sendUnbuiltPage } from './plain-pages.ts';

const contentTypes: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.json', 'application/json; charset=utf-8'],
  ['.map', 'application/json; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.png', 'image/png'],
  ['.ico', 'image/x-icon'],
  ['.woff2', 'font/woff2'],
  ['.txt', 'text/plain; charset=utf-8'],
]);

interface PanelFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Answers with a file of the built panel. A path without an extension is one of the panel's own views, so it gets the
 * page itself. Throws `not_found` for anything outside the folder or not there.
 */
export async function sendPanelFile(response: ServerResponse, panelDir: string, pathname: string): Promise<void> {
  const wanted = decoded(pathname);
  const isView = extname(wanted) === '';
  const file = await find(panelDir, isView ? 'index.html' : wanted);
  if (!file) {
    if (!isView) throw new AppError('not_found', 'The panel has no such file.');
    sendUnbuiltPage(response);
    return;
  }
  response.statusCode = 200;
  response.setHeader('content-type', contentTypes.get(extname(file.path)) ?? 'application/octet-stream');
  response.setHeader('content-length', file.sizeBytes);
  // Names under assets/ carry a hash of their content.
  const isHashed = !isView && wanted.startsWith('/assets/');
  response.setHeader('cache-control', isHashed ? 'private, max-age=31536000, immutable' : 'no-cache');
  if (response.req.method === 'HEAD') response.end();
  else await pipeline(createReadStream(file.path), response);
}

function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch (cause) {
    throw new AppError('invalid_request', 'The path is not valid. Check the address.', { cause });
  }
}

/** The file, if it is a plain one whose real place is inside the folder. */
async function find(panelDir: string, relativePath: string): Promise<PanelFile | null> {
  if (relativePath.includes('\0') || relativePath.includes('\\')) return null;
  try {
    const root = await realpath(panelDir);
    const path = await realpath(join(root, relativePath));
    if (!path.startsWith(root + sep)) return null;
    const facts = await stat(path);
    return facts.isFile() ? { path, sizeBytes: facts.size } : null;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP') return null;
    throw error;
  }
}
