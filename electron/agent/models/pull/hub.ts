import * as z from 'zod';
import { AppError } from '../../base/errors.ts';
import type { HttpClient } from './http-client.ts';
import type { HubFile } from './hub-files.ts';
import { isFilePart } from './reference.ts';
import { refusalOf } from './refusals.ts';

const entrySchema = z.object({
  type: z.string(),
  path: z.string().max(4_096),
  size: z.number().int().min(0),
  lfs: z
    .object({ oid: z.string(), size: z.number().int().min(0) })
    .nullish()
    .catch(null),
});
const treeSchema = z.array(z.unknown()).max(10_000);

const mostPages = 20;
const mostPageBytes = 16 * 1024 * 1024;

/** The file lists of repositories on Hugging Face, by its public API. */
export class Hub {
  /** Without a slash at the end. */
  readonly #url: string;
  readonly #deps: { readonly http: HttpClient; readonly now: () => number };

  /** `now`: wall time in milliseconds. */
  constructor(options: { readonly hubUrl: string }, deps: { readonly http: HttpClient; readonly now: () => number }) {
    this.#url = options.hubUrl.replace(/\/+$/, '');
    this.#deps = deps;
  }

  get host(): string {
    return new URL(this.#url).hostname;
  }

  /**
   * All files of a repository at a revision.
   *
   * @throws Interruption when the hub cannot be reached or is busy; AppError when there is no such repository or a
   *   token is needed
   */
  async files(repo: string, revision: string, limits: { signal: AbortSignal; timeoutMs: number }): Promise<HubFile[]> {
    const files: HubFile[] = [];
    let next: string | null = `${this.#url}/api/models/${repo}/tree/${encodeURIComponent(revision)}?recursive=true`;
    for (let page = 0; next !== null && page < mostPages; page += 1) {
      const answer = await this.#deps.http.getText(next, {
        headers: { accept: 'application/json' },
        mostBytes: mostPageBytes,
        ...limits,
      });
      if (answer.status !== 200) {
        const what = revision === 'main' ? repo : `${repo} at ${revision}`;
        throw refusalOf(answer.status, answer.headers, { host: this.host, what, isHub: true, nowMs: this.#deps.now() });
      }
      files.push(...filesIn(answer.text, this.host));
      next = this.#nextPage(answer.headers['link'], next);
    }
    return files;
  }

  /** Where a file of a repository is fetched. */
  fileUrl(repo: string, revision: string, path: string): string {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    return `${this.#url}/${repo}/resolve/${encodeURIComponent(revision)}/${encoded}`;
  }

  /** The next page, if it is one of this very list: a list does not lead elsewhere. */
  #nextPage(link: string | string[] | undefined, from: string): string | null {
    const found = /<([^>]{1,2000})>\s*;\s*rel="next"/.exec(textOf(link) ?? '')?.[1];
    if (found === undefined || !URL.canParse(found, from)) return null;
    const next = new URL(found, from);
    return next.origin === new URL(this.#url).origin ? next.href : null;
  }
}

function filesIn(text: string, host: string): HubFile[] {
  const tree = treeSchema.safeParse(parse(text));
  if (!tree.success) throw new AppError('upstream_failed', `${host} answers with something that is no list of files.`);
  const files: HubFile[] = [];
  for (const item of tree.data) {
    const entry = entrySchema.safeParse(item);
    if (!entry.success || entry.data.type !== 'file') continue;
    const { path, size, lfs } = entry.data;
    if (!path.split('/').every(isFilePart)) continue;
    const digest = lfs && /^[0-9a-f]{64}$/.test(lfs.oid) ? lfs.oid : null;
    files.push({ path, sizeBytes: lfs?.size ?? size, digest });
  }
  return files;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const textOf = (header: string | string[] | undefined): string | null =>
  header === undefined ? null : Array.isArray(header) ? header.join(', ') : header;
