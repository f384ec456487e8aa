import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Menu, app } from 'electron';
import { ControlClient } from './client/control-client.ts';
import { readAgentFile } from './host/agent-file.ts';
import { dataDir as nodeDataDir } from './host/paths.ts';
import { agentCommand, agentEnvironment } from './shell/agent-command.ts';
import { startAgent } from './shell/agent-process.ts';
import { launchOptions } from './shell/launch-options.ts';
import { autostartFile, loginProgram } from './shell/login-entry.ts';
import { LoginItem } from './shell/login-item.ts';
import { ShellPreferences } from './shell/preferences.ts';
import { Shell } from './shell/shell.ts';
import { systemTimer } from './shell/timer.ts';

/** The checkout, or the package's `app.asar`: this file is bundled to `dist/shell/main.cjs`. */
const appDir = join(import.meta.dirname, '..', '..');
const iconsDir = join(appDir, 'resources', 'icons');
const dataDir = nodeDataDir();
const shellDir = join(dataDir, 'shell');

function createShell(): Shell {
  const command = agentCommand({
    isPackaged: app.isPackaged,
    resourcesDir: process.resourcesPath,
    checkoutDir: appDir,
    platform: process.platform,
    arch: process.arch,
  });
  const loginItem = new LoginItem({
    platform: process.platform,
    program: loginProgram({
      execPath: process.execPath,
      appImage: process.env['APPIMAGE'],
      isPackaged: app.isPackaged,
      appPath: appDir,
    }),
    file: autostartFile(process.env, homedir()),
  });
  return new Shell(
    { platform: process.platform, iconsDir, windowIconFile: join(iconsDir, 'app', '256x256.png') },
    {
      agent: {
        find: () => readAgentFile(dataDir),
        start: () => startAgent(command, { dataDir, env: agentEnvironment(process.env) }),
        connect: (address) => new ControlClient(address),
      },
      preferences: new ShellPreferences(shellDir),
      loginItem,
      timer: systemTimer,
      quit: () => app.quit(),
    },
  );
}

async function main(): Promise<void> {
  // Before anything else: where Chromium keeps its files is also what the single-instance lock belongs to, so that
  // every data folder has a shell of its own.
  mkdirSync(shellDir, { recursive: true, mode: 0o700 });
  app.setPath('userData', shellDir);
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  app.setName('Ranch Hand');
  app.enableSandbox();
  // A closed panel is not the end of the shell.
  app.on('window-all-closed', () => undefined);
  await app.whenReady();
  app.dock?.hide();
  // Without a menu there are no reload and developer-tools shortcuts; macOS needs one for copy and paste.
  Menu.setApplicationMenu(
    process.platform === 'darwin' ? Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }]) : null,
  );
  const shell = createShell();
  // What the second one was started with is of no interest: whoever starts it wants to see the panel.
  app.on('second-instance', () => shell.openPanel());
  app.on('activate', () => shell.openPanel());
  app.on('before-quit', () => shell.end());
  if (!launchOptions(process.argv).hidden) shell.openPanel();
  await shell.run();
}

main().catch((error: unknown) => {
  console.error(error);
  app.exit(1);
});
