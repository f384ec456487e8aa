import * as z from 'zod';
import { AppError } from '../../base/errors.ts';
import { fetchText, type HttpGet } from './fetching.ts';
import type { AssetChoice } from './sources.ts';

/** A file of a release, and what it has to be. */
export interface ReleaseAsset {
  readonly tag: string;
  readonly name: string;
  readonly url: string;
  readonly sizeBytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

const assetSchema = z.object({
  name: z.string().max(300),
  browser_download_url: z.url().max(2_000),
  size: z.number().int().nonnegative(),
  digest: z.string().max(200).nullish(),
});
const releasesSchema = z
  .array(
    z.object({
      tag_name: z.string().regex(/^[\w.+-]{1,100}$/),
      draft: z.boolean().default(false),
      prerelease: z.boolean().default(false),
      assets: z.array(assetSchema).max(1_000),
    }),
  )
  .max(100);
type Release = z.infer<typeof releasesSchema>[number];

const mostListBytes = 32 * 1024 * 1024;

/**
 * The newest release that has a file for this machine. Its sha256 comes from the release itself, in its list or in its
 * `sha256sum.txt`; without one nothing is installed.
 *
 * @throws AppError `upstream_failed`, `caller_gone`
 */
export async function newestAsset(
  choice: AssetChoice,
  deps: { readonly http: HttpGet; readonly api: string; readonly signal: AbortSignal },
): Promise<ReleaseAsset> {
  const address = `${deps.api}/repos/${choice.repository}/releases?per_page=30`;
  const headers = { accept: 'application/vnd.github+json' };
  const text = await fetchText(address, { ...deps, headers, mostBytes: mostListBytes });
  const parsed = releasesSchema.safeParse(parsedJson(text));
  if (!parsed.success) {
    throw new AppError('upstream_failed', `The list of releases of ${choice.repository} has a form that is not known.`);
  }
  const found = pickAsset(parsed.data, choice);
  if (!found) {
    throw new AppError(
      'upstream_failed',
      `The newest releases of ${choice.repository} have no file ${choice.shown} for this machine.`,
    );
  }
  const { release, asset } = found;
  const sha256 = digestIn(asset.digest ?? '') ?? (await listedDigest(release, asset.name, deps));
  if (sha256 === null) {
    throw new AppError(
      'upstream_failed',
      `The release ${release.tag_name} of ${choice.repository} has no checksum for ${asset.name}, so it is not installed.`,
    );
  }
  const { name, browser_download_url: url, size: sizeBytes } = asset;
  return { tag: release.tag_name, name, url, sizeBytes, sha256 };
}

function pickAsset(
  releases: readonly Release[],
  { patterns }: AssetChoice,
): { release: Release; asset: z.infer<typeof assetSchema> } | null {
  // Some tags carry no programs: the newest that has one for this machine counts.
  for (const release of releases.filter(({ draft, prerelease }) => !draft && !prerelease)) {
    for (const pattern of patterns) {
      const asset = release.assets.find(({ name }) => pattern.test(name));
      if (asset) return { release, asset };
    }
  }
  return null;
}

async function listedDigest(
  release: Release,
  name: string,
  deps: { readonly http: HttpGet; readonly signal: AbortSignal },
): Promise<string | null> {
  const list = release.assets.find((asset) => asset.name === 'sha256sum.txt');
  if (!list) return null;
  const text = await fetchText(list.browser_download_url, { ...deps, headers: {}, mostBytes: 1024 * 1024 });
  return digestInList(text, name);
}

/** The digest of a file in a list as `sha256sum` writes it; null when it is not listed. */
export function digestInList(text: string, name: string): string | null {
  for (const line of text.split('\n')) {
    const match = /^([0-9a-fA-F]{64})\s+\*?(?:\.\/)?(\S+)\s*$/.exec(line);
    if (match?.[1] !== undefined && match[2] === name) return match[1].toLowerCase();
  }
  return null;
}

function digestIn(digest: string): string | null {
  return /^sha256:([0-9a-f]{64})$/i.exec(digest)?.[1]?.toLowerCase() ?? null;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
