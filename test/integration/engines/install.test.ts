import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPrograms } from '../../../electron/agent/engines/finding/find-programs.ts';
import type { EngineKind } from '../../../electron/contract/snapshot.ts';
import { FakeRelease, installRig, tells, untilInstall, writeBuildTools, type InstallRig } from './install-rig.ts';

const llama = 'llama-b20000-bin-ubuntu-x64.tar.gz';
const llamaFiles = {
  'llama-b20000/llama-server': tells('version: 20000 (abcdef)'),
  'llama-b20000/libllama.so': 'library',
};

async function found({ dataDir }: InstallRig, kind: EngineKind, name: string): Promise<string[]> {
  const places = await findPrograms({
    kind,
    name,
    configured: null,
    dataDir,
    searchPath: false,
    env: {},
    platform: 'linux',
  });
  return places.filter(({ origin }) => origin === 'installed').map(({ file }) => file);
}

const nothingLeft = ({ dataDir }: InstallRig): boolean =>
  !existsSync(join(dataDir, 'engines')) || readdirSync(join(dataDir, 'engines')).every((name) => !name.startsWith('.'));

function logOf({ installer }: InstallRig, kind: EngineKind): string {
  return installer
    .log(kind)
    .tail(1_000)
    .map(({ text }) => text)
    .join('\n');
}

// The stand-ins are shell scripts.
describe.skipIf(process.platform === 'win32')('installing an engine', () => {
  it('shows the steps, runs them, and the program is found', async () => {
    await using release = await FakeRelease.start();
    release.addArchive(llama, llamaFiles);
    const rig = installRig(release);
    const steps = await rig.installer.steps('llama-server');
    expect(steps.problem).toBeNull();
    expect(steps.steps.map(({ lines }) => lines.length > 0)).toEqual([true, true, true, true]);
    const installed: string[] = [];
    rig.installer.installed.subscribe((kind) => installed.push(kind));
    rig.installer.install('llama-server');
    expect(() => {
      rig.installer.install('llama-server');
    }).toThrow('llama-server is being installed already.');
    expect(await untilInstall(rig, 'llama-server')).toMatchObject({
      state: 'done',
      step: 4,
      steps: 4,
      progress: 1,
      sentence: 'llama-server is installed.',
    });
    const file = join(rig.dataDir, 'engines', 'llama-server', 'b20000', 'llama-server');
    expect(await found(rig, 'llama-server', 'llama-server')).toEqual([file]);
    expect(existsSync(join(file, '..', 'libllama.so'))).toBe(true);
    expect(logOf(rig, 'llama-server')).toContain('version: 20000');
    expect(nothingLeft(rig)).toBe(true);
    expect(installed).toEqual(['llama-server']);
  });

  it('Ollama comes as tar.zst with its libraries beside it; the checksum may be in sha256sum.txt', async () => {
    await using release = await FakeRelease.start();
    release.addArchive('ollama-linux-amd64.tar.zst', {
      'bin/ollama': tells('ollama version is 0.30.0'),
      'lib/ollama/libggml.so': 'library',
    });
    await release.behave({ digestIn: 'sums', tag: 'v0.30.0' });
    const rig = installRig(release);
    rig.installer.install('ollama');
    expect(await untilInstall(rig, 'ollama')).toMatchObject({ state: 'done' });
    const file = join(rig.dataDir, 'engines', 'ollama', 'v0.30.0', 'bin', 'ollama');
    expect(await found(rig, 'ollama', 'ollama')).toEqual([file]);
    expect(existsSync(join(file, '..', '..', 'lib', 'ollama', 'libggml.so'))).toBe(true);
  });

  it('F17 a cut is taken up where it broke', async () => {
    await using release = await FakeRelease.start();
    release.addArchive(llama, llamaFiles);
    await release.behave({ cuts: 3 });
    const rig = installRig(release);
    rig.installer.install('llama-server');
    expect(await untilInstall(rig, 'llama-server')).toMatchObject({ state: 'done' });
    const { files, ranges } = await release.behave({});
    expect([files, ranges.length]).toEqual([4, 3]);
  });

  it.each([
    [{ fileStatus: 404 }, /answered 404/],
    [{ listStatus: 403 }, /takes no more requests/],
    [{ wrongDigest: true }, /is not what it should be/],
    [{ digestIn: 'nowhere' }, /has no checksum/],
    [{ cuts: 100 }, /could not be read|cut/],
  ] as const)(
    'a release server with the fault %j: said in words, nothing half installed, the next try works',
    async (fault, words) => {
      await using release = await FakeRelease.start();
      release.addArchive(llama, llamaFiles);
      await release.behave(fault);
      const rig = installRig(release);
      rig.installer.install('llama-server');
      expect(await untilInstall(rig, 'llama-server')).toMatchObject({
        state: 'failed',
        sentence: expect.stringMatching(words) as string,
      });
      expect(await found(rig, 'llama-server', 'llama-server')).toEqual([]);
      expect(nothingLeft(rig)).toBe(true);
      await release.behave({ fileStatus: 200, listStatus: 200, wrongDigest: false, digestIn: 'list', cuts: 0 });
      rig.installer.install('llama-server');
      expect(await untilInstall(rig, 'llama-server')).toMatchObject({ state: 'done' });
    },
  );

  it.each([
    ['version: 9000 (abcdef)', 'is b9000'],
    ['Illegal instruction', 'is no llama.cpp server'],
  ])('F36 what was fetched and says "%s" is not put in the place of one that works', async (said, words) => {
    await using release = await FakeRelease.start();
    release.addArchive(llama, llamaFiles);
    const rig = installRig(release);
    rig.installer.install('llama-server');
    await untilInstall(rig, 'llama-server');
    release.addArchive(llama, { 'llama-b20000/llama-server': tells(said) });
    rig.installer.install('llama-server');
    expect(await untilInstall(rig, 'llama-server')).toMatchObject({
      state: 'failed',
      sentence: expect.stringContaining(words) as string,
    });
    const [file = ''] = await found(rig, 'llama-server', 'llama-server');
    expect(readFileSync(file, 'utf8')).toContain('20000');
  });

  it('a cancelled download leaves nothing', async () => {
    await using release = await FakeRelease.start();
    release.addArchive(llama, { ...llamaFiles, 'llama-b20000/big': 'x'.repeat(100_000) });
    await release.behave({ hang: true });
    const rig = installRig(release);
    rig.installer.install('llama-server');
    await untilInstall(rig, 'llama-server', ({ step, progress }) => step === 2 && progress !== null);
    await rig.installer.cancel('llama-server');
    expect(rig.installer.list()).toEqual([
      expect.objectContaining({ state: 'cancelled', endedAt: expect.any(String) as string }),
    ]);
    expect(nothingLeft(rig)).toBe(true);
    await expect(rig.installer.cancel('llama-server')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('bitnet is built from its sources, with a model', async () => {
    await using release = await FakeRelease.start();
    writeFileSync(join(release.folder, 'ggml-model-i2_s.gguf'), 'a model');
    const rig = installRig(release);
    writeBuildTools(rig.toolsDir);
    expect((await rig.installer.steps('bitnet')).problem).toBeNull();
    rig.installer.install('bitnet');
    expect(await untilInstall(rig, 'bitnet')).toMatchObject({ state: 'done', steps: 6 });
    expect(await found(rig, 'bitnet', 'llama-server')).toEqual([
      join(rig.dataDir, 'engines', 'bitnet', 'BitNet', 'build', 'bin', 'llama-server'),
    ]);
    expect(readdirSync(rig.modelsDir)).toEqual(['bitnet-b1.58-2B-4T-i2_s.gguf']);
    const log = logOf(rig, 'bitnet');
    expect(log).toMatch(/cloned clone --depth 1 --recursive/);
    expect(log).toMatch(/kernels made by utils\/codegen_tl2\.py in .*sources/);
    expect(log).toContain('-DCMAKE_CXX_COMPILER=clang++');
    // A second time it finds the model there.
    rig.installer.install('bitnet');
    expect(await untilInstall(rig, 'bitnet')).toMatchObject({ state: 'done' });
    expect((await release.behave({})).files).toBe(1);
  });

  it('bitnet without its tools names what is missing, and what is too old', async () => {
    await using release = await FakeRelease.start();
    const rig = installRig(release);
    writeBuildTools(rig.toolsDir, { clang: '14.0.6' });
    const { problem } = await rig.installer.steps('bitnet');
    expect(problem).toMatch(/lacks clang 18 or newer \(there is 14\.0\)/);
    rig.installer.install('bitnet');
    expect(await untilInstall(rig, 'bitnet')).toMatchObject({ state: 'failed', sentence: problem });
  });

  it('a build that fails says its last line; a file of the operator’s own is never replaced', async () => {
    await using release = await FakeRelease.start();
    writeFileSync(join(release.folder, 'ggml-model-i2_s.gguf'), 'a model');
    const rig = installRig(release);
    writeBuildTools(rig.toolsDir, { build: "echo 'fatal error: no such header' >&2; exit 2" });
    rig.installer.install('bitnet');
    expect(await untilInstall(rig, 'bitnet')).toMatchObject({
      state: 'failed',
      step: 4,
      sentence: expect.stringContaining('Its last line: fatal error: no such header') as string,
    });
    expect(nothingLeft(rig)).toBe(true);
    writeBuildTools(rig.toolsDir);
    mkdirSync(rig.modelsDir, { recursive: true });
    writeFileSync(join(rig.modelsDir, 'bitnet-b1.58-2B-4T-i2_s.gguf'), 'mine');
    rig.installer.install('bitnet');
    expect(await untilInstall(rig, 'bitnet')).toMatchObject({
      state: 'failed',
      sentence: expect.stringContaining('is another file') as string,
    });
    expect(readFileSync(join(rig.modelsDir, 'bitnet-b1.58-2B-4T-i2_s.gguf'), 'utf8')).toBe('mine');
  });

  it('a cancelled build is killed with all it started', async () => {
    await using release = await FakeRelease.start();
    const rig = installRig(release);
    const pidFile = join(rig.dataDir, 'pid');
    writeBuildTools(rig.toolsDir, { build: `sleep 1000 & echo $! > ${pidFile}; echo started; wait` });
    rig.installer.install('bitnet');
    await untilInstall(rig, 'bitnet', ({ step }) => step === 4);
    await new Promise<void>((resolve) => {
      const cancel = rig.installer.log('bitnet').subscribe(({ text }) => {
        if (text !== 'started') return;
        cancel();
        resolve();
      });
    });
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await rig.installer.cancel('bitnet');
    expect(rig.installer.list()[0]?.state).toBe('cancelled');
    // What was killed may stay in the table of processes until its new parent has looked.
    const state = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] : 'gone';
    expect(['gone', 'Z', 'X']).toContain(state);
    expect(nothingLeft(rig)).toBe(true);
  });

  it('the embedded engine needs none', async () => {
    await using release = await FakeRelease.start();
    const rig = installRig(release);
    expect(() => {
      rig.installer.install('embedded');
    }).toThrow('is part of Ranch Hand');
    await expect(rig.installer.steps('embedded')).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
