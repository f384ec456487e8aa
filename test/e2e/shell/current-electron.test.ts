import { _electron } from 'playwright-core';
import { expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { cleanEnvironment, startAgent } from '../../fixtures/agent-process.ts';

// The built shell in a current Electron, on any system: `RANCH_HAND_ELECTRON` names its binary. What the tray looks
// like in a real desktop is the desktop test's matter.

it('opens the panel of the running node, signed in, in a window without Node', async (context) => {
  const electron = process.env['RANCH_HAND_ELECTRON'];
  if (electron === undefined) return context.skip('no current Electron is named by RANCH_HAND_ELECTRON');
  await using agent = await startAgent();
  const env = Object.entries(cleanEnvironment({ RANCH_HAND_DATA_DIR: agent.dataDir }));
  const asRoot = process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const shell = await _electron.launch({
    executablePath: electron,
    args: [...asRoot, projectRoot],
    env: Object.fromEntries(env.filter((pair): pair is [string, string] => pair[1] !== undefined)),
  });
  try {
    const window = await shell.firstWindow();
    await window.getByText('CPU', { exact: false }).first().waitFor();
    expect(window.url().startsWith(agent.file.controlUrl)).toBe(true);
    const insides = await window.evaluate(() => [
      typeof Reflect.get(globalThis, 'require'),
      typeof Reflect.get(globalThis, 'process'),
    ]);
    expect(insides).toEqual(['undefined', 'undefined']);
  } finally {
    await shell.close();
  }
  // Closing the shell leaves the node alone.
  const health = await fetch(`${agent.gatewayUrl}/health`);
  expect(health.status).toBe(200);
});
