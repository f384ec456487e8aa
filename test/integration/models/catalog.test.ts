import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { buildSelfTestModel } from '../../../build/self-test-model.ts';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { ModelCatalog } from '../../../electron/agent/models/catalog.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

it('F20 a file that is copied into the models folder, or taken away, is noticed', async () => {
  const folder = tempFolder();
  const modelsDir = join(folder, 'models');
  mkdirSync(modelsDir);
  const catalog = new ModelCatalog(
    { modelsDir, defaultPath: null, selfTestPath: join(folder, 'none.gguf') },
    { clock: systemClock, logger: silentLogger },
  );
  await catalog.start();
  onTestFinished(() => catalog.stop());
  expect(catalog.default()).toBeNull();
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      const cancel = catalog.changed.subscribe(() => {
        cancel();
        resolve();
      });
    });
  // The test's own timer: the catalog's does not keep a process alive.
  const alive = setInterval(() => undefined, 1_000);
  onTestFinished(() => clearInterval(alive));

  const arrived = next();
  const file = join(modelsDir, 'Horse.gguf');
  writeFileSync(file, buildSelfTestModel());
  await arrived;
  expect(catalog.default()?.id).toBe('horse');

  const left = next();
  rmSync(file);
  await left;
  expect(catalog.default()).toBeNull();
});
