import { createRequire } from 'node:module';
import { join } from 'node:path';

// Read by `npm run package`, which has staged agent and Node in out/stage and installed Forge in .cache/packaging-tools.
const tools = join(import.meta.dirname, '.cache', 'packaging-tools', 'node_modules');
const zips = process.env['RANCH_HAND_ELECTRON_ZIPS'];

/** The shell's archive holds its bundle and its icons; everything else of the checkout stays out. */
const packed =
  /^(\/package\.json|\/dist(\/shell(\/main\.cjs)?)?|\/resources(\/icons(\/(app|tray)(\/.*)?|\/app\.ico)?)?)$/;

interface Fuses {
  readonly flipFuses: (program: string, config: Readonly<Record<string | number, unknown>>) => Promise<number>;
  readonly FuseVersion: { readonly V1: string };
  readonly FuseV1Options: Readonly<Record<string, number>>;
}

/** Switches off in Electron's binary what the shell never uses, so that nobody else can use it either. */
async function setFuses(folder: string, platform: string): Promise<void> {
  const { flipFuses, FuseVersion, FuseV1Options } = createRequire(import.meta.url)(
    join(tools, '@electron', 'fuses'),
  ) as Fuses;
  const set = (name: string, on: boolean): Record<number, boolean> => {
    const option = FuseV1Options[name];
    if (option === undefined) throw new Error(`@electron/fuses knows no ${name}.`);
    return { [option]: on };
  };
  await flipFuses(join(folder, platform === 'win32' ? 'electron.exe' : 'electron'), {
    version: FuseVersion.V1,
    ...set('RunAsNode', false),
    ...set('EnableNodeOptionsEnvironmentVariable', false),
    ...set('EnableNodeCliInspectArguments', false),
    ...set('EnableCookieEncryption', true),
    ...set('OnlyLoadAppFromAsar', true),
  });
}

export default {
  packagerConfig: {
    name: 'Ranch Hand',
    executableName: 'ranch-hand',
    asar: true,
    prune: false,
    icon: join(import.meta.dirname, 'resources', 'icons', 'app'),
    ignore: (path: string) => path !== '' && !packed.test(path),
    extraResource: [join('out', 'stage', 'agent'), join('out', 'stage', 'node')],
    ...(zips === undefined ? {} : { electronZipDir: zips }),
  },
  hooks: {
    packageAfterExtract: async (_config: unknown, folder: string, _version: string, platform: string) =>
      setFuses(folder, platform),
  },
  makers: [
    { name: join(tools, 'electron-forge-maker-nsis'), platforms: ['win32'], config: {} },
    { name: join(tools, 'electron-forge-maker-appimage'), platforms: ['linux'], config: {} },
  ],
};
