import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdCompressSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Installer } from '../../../electron/agent/engines/install/installer.ts';
import { HttpClient } from '../../../electron/agent/models/pull/http-client.ts';
import type { InstallSnapshot } from '../../../electron/contract/snapshot.ts';
import type { FakeReleaseBehaviour } from '../../fakes/fake-release.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

const script = fileURLToPath(new URL('../../fakes/fake-release.ts', import.meta.url));

/** The fake release server, running; what is in `folder` is in the release. */
export class FakeRelease implements AsyncDisposable {
  readonly folder: string;
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.folder = folder;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<FakeRelease> {
    const folder = tempFolder();
    const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return new FakeRelease(child, folder, Number(line.toString()));
  }

  async behave(behaviour: Partial<FakeReleaseBehaviour>): Promise<{ files: number; ranges: string[] }> {
    const response = await fetch(`${this.url}/_fake/behaviour`, { method: 'POST', body: JSON.stringify(behaviour) });
    return (await response.json()) as { files: number; ranges: string[] };
  }

  /** Puts an archive into the release that holds these files, each a program. */
  addArchive(name: string, files: Readonly<Record<string, string>>): void {
    const content = tempFolder();
    for (const [path, text] of Object.entries(files)) {
      const file = join(content, path);
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, text);
      chmodSync(file, 0o755);
    }
    const tar = join(tempFolder(), 'archive.tar');
    const zipped = /\.t?gz$/.test(name) ? '-czf' : '-cf';
    const made = spawnSync('tar', [zipped, tar, '-C', content, '.']);
    if (made.status !== 0) throw new Error(made.stderr.toString());
    const bytes = readFileSync(tar);
    writeFileSync(join(this.folder, name), name.endsWith('.zst') ? zstdCompressSync(bytes) : bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

/** A program that tells a version. */
export const tells = (text: string): string => `#!/bin/sh\necho '${text}'\n`;

export interface InstallRig {
  readonly installer: Installer;
  readonly dataDir: string;
  readonly modelsDir: string;
  /** Holds stand-ins of the build tools; alone on the PATH of the installer beside the system's own. */
  readonly toolsDir: string;
}

export function installRig(release: FakeRelease): InstallRig {
  const dataDir = tempFolder();
  const toolsDir = tempFolder();
  const modelsDir = join(dataDir, 'models');
  const http = new HttpClient({ env: {}, silenceMs: 20_000, token: null });
  const installer = new Installer(
    {
      dataDir,
      logsDir: join(dataDir, 'logs'),
      modelsDir,
      platform: 'linux',
      arch: 'x64',
      env: { PATH: `${toolsDir}:/usr/bin:/bin` },
      sources: { api: release.url, git: `${release.url}/git`, hub: release.url },
    },
    { clock: systemClock, logger: silentLogger, http },
  );
  onTestFinished(async () => {
    await installer.stop();
    http.close();
  });
  return { installer, dataDir, modelsDir, toolsDir };
}

/** Resolves with the installation of the kind once it is as wanted. */
export function untilInstall(
  { installer }: InstallRig,
  kind: InstallSnapshot['kind'],
  wanted: (install: InstallSnapshot) => boolean = ({ state }) => state !== 'running',
): Promise<InstallSnapshot> {
  return new Promise((resolve) => {
    const look = (): void => {
      const found = installer.list().find((install) => install.kind === kind);
      if (!found || !wanted(found)) return;
      cancel();
      resolve(found);
    };
    const cancel = installer.changed.subscribe(look);
    look();
  });
}

/** Writes stand-ins for the tools that build bitnet.cpp; `build` is what building does. */
export function writeBuildTools(
  folder: string,
  options: { readonly clang?: string; readonly build?: string } = {},
): void {
  const build = options.build ?? ':';
  const scripts: Record<string, string> = {
    git: `case "$1" in --version) echo 'git version 2.40.1';; clone) for last; do :; done; mkdir -p "$last/utils"; echo "cloned $*"; echo 'print("kernels made")' > "$last/utils/codegen_tl2.py";; esac`,
    clang: `echo 'clang version ${options.clang ?? '19.1.7'}'`,
    python3: `case "$1" in --version) echo 'Python 3.11.2';; *) echo "kernels made by $1 in $(pwd)";; esac`,
    cmake: `case "$1" in
--version) echo 'cmake version 3.28.3';;
-E) cd "$3" && shift 3 && exec "$@";;
-S) mkdir -p "$4" && echo "configured $*";;
--build) echo '[ 50%] Building'; ${build}
mkdir -p "$2/bin"; printf '#!/bin/sh\\necho "version: 3960 (abcdef)"\\n' > "$2/bin/llama-server"; chmod +x "$2/bin/llama-server"; echo '[100%] Built target llama-server';;
esac`,
  };
  for (const [name, body] of Object.entries(scripts)) {
    const file = join(folder, name);
    rmSync(file, { force: true });
    writeFileSync(file, `#!/bin/sh\n${body}\n`);
    chmodSync(file, 0o755);
  }
}
