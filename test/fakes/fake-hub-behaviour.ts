import type { FileFaults } from './fake-hub-faults.ts';

/** A file of a repository of the fake hub, and the file on disk that it serves for it. */
export interface FakeHubFile {
  readonly repo: string;
  readonly path: string;
  readonly file: string;
}

/** How the fake hub is; {@link FileFaults} hold for the host that serves the files. */
export interface FakeHubBehaviour extends FileFaults {
  /** Files need `authorization: Bearer good-token`, which the hub checks. */
  gated: boolean;
  /** Digest that the hub names for every file; null: the real one. */
  namedDigest: string | null;
  /** Added to the sizes in the list of files. */
  sizeOff: number;
  /** Files on a page of the list. */
  pageSize: number;
  /** Where files are redirected to, in place of the fake's own file host. */
  redirectTo: string | null;
  /** The hub serves files itself, without a redirect. */
  direct: boolean;
}

/** A request that came in. */
export interface FakeHubRequest {
  readonly host: 'hub' | 'files';
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}
