// `npm run package`: the unpacked program for this machine in out/; with `-- --installers` its installer too. Forge and
// its makers come from a lockfile of their own, on first use.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildStale } from './bundling/build-stale.ts';
import { projectRoot } from './bundling/product.ts';
import { products } from './bundling/products.ts';
import { stage } from './packaging/stage.ts';

const tools = join(projectRoot, '.cache', 'packaging-tools');

function run(command: string, args: readonly string[], cwd: string): Promise<number> {
  return new Promise((resolve) => {
    // npm is a script on Windows, which only a shell can start; no argument here needs quoting.
    const child = spawn(command, args, {
      cwd,
      stdio: 'inherit',
      shell: process.platform === 'win32' && command === 'npm',
    });
    child.on('error', () => resolve(1));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** Installs the packaging tools unless they are there as their lockfile says. */
async function installTools(): Promise<boolean> {
  const pinned = join(projectRoot, 'build', 'packaging');
  const lockfile = 'package-lock.json';
  const same =
    existsSync(join(tools, 'node_modules', '.package-lock.json')) &&
    existsSync(join(tools, lockfile)) &&
    readFileSync(join(tools, lockfile), 'utf8') === readFileSync(join(pinned, lockfile), 'utf8');
  if (same) return true;
  mkdirSync(tools, { recursive: true });
  copyFileSync(join(pinned, 'package.json'), join(tools, 'package.json'));
  console.log('Installing the packaging tools');
  // Copied with a name that `npm ci` reads, and only kept if it succeeded: a half install is done again.
  copyFileSync(join(pinned, lockfile), join(tools, lockfile));
  return (await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], tools)) === 0;
}

/** Forge needs Electron as a zip: the one in the cache of Electron's own download, or one in a folder that is named. */
function electronIsHere(): boolean {
  if (process.env['RANCH_HAND_ELECTRON_ZIPS'] !== undefined) return true;
  return existsSync(join(projectRoot, 'node_modules', 'electron', 'path.txt'));
}

function explainMissingElectron(): void {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'node_modules/electron/package.json'), 'utf8')) as {
    version: string;
  };
  const zip = `electron-v${version}-${process.platform}-${process.arch}.zip`;
  console.error(
    `Nothing was packaged, because Electron's binary is not here. To get it: npx install-electron\n` +
      `Where its download page cannot be reached, put ${zip} into a folder and name that in RANCH_HAND_ELECTRON_ZIPS.`,
  );
}

async function main(args: readonly string[]): Promise<number> {
  const { platform, arch } = process;
  if ((platform !== 'linux' && platform !== 'win32') || (arch !== 'x64' && arch !== 'arm64')) {
    console.error(`There are no packages for ${platform} on ${arch} yet: Linux and Windows, x64 and arm64.`);
    return 1;
  }
  if (!electronIsHere()) {
    explainMissingElectron();
    return 1;
  }
  const { failures } = await buildStale(products, { force: false, say: (line) => console.log(line) });
  for (const { name, error } of failures) console.error(`${name} could not be built.\n${error.message}`);
  if (failures.length > 0) return 1;
  await stage(join(projectRoot, 'out', 'stage'), { platform, arch });
  if (!(await installTools())) return 1;
  const step = args.includes('--installers') ? 'make' : 'package';
  const forge = join(tools, 'node_modules', '@electron-forge', 'cli', 'dist', `electron-forge-${step}.js`);
  return run(process.execPath, [forge, `--arch=${arch}`, `--platform=${platform}`], projectRoot);
}

process.exitCode = await main(process.argv.slice(2));
