import path from 'node:path';
import type { EngineKind } from '../../../contract/snapshot.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How it was known where to look; earlier ones come first. */
export type ProgramOrigin = 'settings' | 'installed' | 'path' | 'usual-folder';

export interface ProgramPlace {
  readonly file: string;
  readonly origin: ProgramOrigin;
}

export interface ProgramQuery {
  readonly kind: EngineKind;
  /** The program's name without `.exe`. */
  readonly name: string;
  /** The path in the settings; null when none is set. */
  readonly configured: string | null;
  /** The node's data folder: `engines/<kind>/` in it holds what Ranch Hand installed. */
  readonly dataDir: string;
  /** Whether PATH is searched: false where another program goes by the same name. */
  readonly searchPath: boolean;
  readonly env: Environment;
  /** As Node names it. */
  readonly platform: string;
}

/** Where in `engines/<kind>/`, and in each folder right under it, an installed program may be. */
const foldersOfAnInstall = ['', 'bin', path.join('build', 'bin'), path.join('build', 'bin', 'Release')];

/** The folder that `engines install` fills. */
export function installFolder(dataDir: string, kind: EngineKind): string {
  return path.join(dataDir, 'engines', kind);
}

/**
 * Every place a program may be at, the preferred one first and none twice; nothing is looked at.
 *
 * @param installs names of the folders right under {@link installFolder}, the newest first
 */
export function programPlaces(query: ProgramQuery, installs: readonly string[]): ProgramPlace[] {
  const { kind, configured, dataDir, platform } = query;
  const name = platform === 'win32' ? `${query.name}.exe` : query.name;
  const installed = ['', ...installs].flatMap((folder) =>
    foldersOfAnInstall.map((inner) => path.join(installFolder(dataDir, kind), folder, inner)),
  );
  const inFolders = (folders: readonly string[], origin: ProgramOrigin): ProgramPlace[] =>
    folders.map((folder) => ({ file: path.join(folder, name), origin }));
  const places: ProgramPlace[] = [
    ...(configured === null ? [] : [{ file: configured, origin: 'settings' as const }]),
    ...inFolders(installed, 'installed'),
    ...(query.searchPath ? inFolders(foldersOnPath(query.env, platform), 'path') : []),
    ...inFolders(usualFolders(query), 'usual-folder'),
  ];
  return [...new Map(places.toReversed().map((place) => [place.file, place])).values()].toReversed();
}

/** The absolute folders in PATH; others depend on where the agent happens to run and are passed over. */
function foldersOnPath(env: Environment, platform: string): string[] {
  const windows = platform === 'win32';
  const named = env['PATH'] ?? (windows ? env['Path'] : undefined) ?? '';
  const rules = windows ? path.win32 : path.posix;
  return named
    .split(windows ? ';' : ':')
    .map((folder) => folder.replace(/^"(.*)"$/, '$1'))
    .filter((folder) => rules.isAbsolute(folder));
}

/** Where the projects' own installers and instructions put the programs. */
function usualFolders({ kind, env, platform }: ProgramQuery): string[] {
  const home = (platform === 'win32' ? env['USERPROFILE'] : env['HOME']) ?? '';
  const atHome = (...parts: string[]): string[] => (home === '' ? [] : [path.join(home, ...parts)]);
  const local = env['LOCALAPPDATA'];
  const inLocal = (...parts: string[]): string[] => (local === undefined ? [] : [path.join(local, ...parts)]);
  const shared = platform === 'win32' ? [] : ['/usr/local/bin', '/usr/bin'];
  const brew = platform === 'darwin' ? ['/opt/homebrew/bin'] : [];
  switch (kind) {
    case 'ollama':
      return [
        ...inLocal('Programs', 'Ollama'),
        ...shared,
        ...brew,
        ...(platform === 'darwin' ? ['/Applications/Ollama.app/Contents/Resources'] : []),
        ...atHome('.local', 'bin'),
      ];
    case 'llama-server':
      return [
        ...inLocal('Microsoft', 'WinGet', 'Links'),
        ...shared,
        ...brew,
        ...atHome('.local', 'bin'),
        ...atHome('llama.cpp', 'build', 'bin'),
      ];
    case 'bitnet':
      return [
        ...atHome('BitNet', 'build', 'bin'),
        ...(platform === 'win32' ? atHome('BitNet', 'build', 'bin', 'Release') : []),
      ];
    case 'embedded':
      return [];
  }
}
