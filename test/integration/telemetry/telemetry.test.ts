import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { plainFacts, readStaticFacts } from '../../../electron/agent/telemetry/static-facts.ts';
import { systemProbe } from '../../../electron/agent/telemetry/system-probe.ts';
import { engine, gateway } from '../../unit/telemetry/node-parts.ts';
import { startTelemetry } from './running-telemetry.ts';

const run = promisify(execFile);
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const onLinux = process.platform === 'linux';

const costSchema = z.object({ publications: z.number(), childFaults: z.number(), leastCpuMs: z.number() });

async function tick(...args: readonly string[]): Promise<z.infer<typeof costSchema>> {
  const { stdout } = await run(process.execPath, [here('./ticking-process.ts'), ...args]);
  return costSchema.parse(JSON.parse(stdout));
}

describe('a tick', () => {
  it.runIf(onLinux)('P16 starts no process and takes at most a millisecond', async () => {
    const cost = await tick('800');
    expect(cost).toMatchObject({ publications: 800, childFaults: 0 });
    expect(cost.leastCpuMs).toBeLessThan(1);
  });

  it.runIf(onLinux)('P16 the count sees a process that was started', async () => {
    expect((await tick('100', '--start-one')).childFaults).toBeGreaterThan(0);
  });
});

describe('figures of this machine', () => {
  it.runIf(onLinux)('are read from /proc and fit together', () => {
    const probe = systemProbe('linux');
    const { totalBytes, availableBytes } = probe.memory();
    expect(totalBytes).toBeGreaterThan(availableBytes);
    expect(probe.cpu().cores.length).toBeGreaterThan(0);
    expect(probe.load()).toHaveLength(3);
    expect(probe.processMemory(2 ** 30)).toBeNull();
    const own = probe.processMemory(process.pid) ?? 0;
    expect(Math.abs(own - probe.ownMemory()) / own).toBeLessThan(0.2);
  });

  it('are read on systems without /proc too', () => {
    const probe = systemProbe('win32');
    expect(probe.memory().totalBytes).toBeGreaterThan(0);
    expect(probe.cpu().total.idle).toBeGreaterThan(0);
    expect([probe.load(), probe.pressure(), probe.processMemory(process.pid)]).toEqual([null, null, null]);
  });

  it.runIf(onLinux)('show the memory of an engine’s process, and no more of it once it is gone', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)']);
    await once(child.stdout, 'data');
    const engines = () => [{ ...engine, pid: child.pid ?? null }];
    const telemetry = await startTelemetry({ clock: systemClock, engines, gateway: () => gateway, notices: () => [] });
    const memory = (): number =>
      z
        .object({ system: z.object({ memory: z.object({ engineBytes: z.number() }) }) })
        .parse(JSON.parse(telemetry.publisher.snapshot().text)).system.memory.engineBytes;
    expect(memory()).toBeGreaterThan(10e6);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await new Promise<void>((resolve) => {
      telemetry.sampler.subscribe(() => resolve());
    });
    expect(memory()).toBe(0);
    await telemetry.stop();
  });
});

describe('what the machine is made of', () => {
  const childFile = here('../../../electron/agent/telemetry/static-facts-child.ts');

  it('is told by the child', async () => {
    const facts = await readStaticFacts({ childFile, timeoutMs: 20_000 }, { logger: silentLogger });
    expect(facts.cpuModel).not.toBe('');
    expect(Array.isArray(facts.gpus)).toBe(true);
  });

  it('is what Node knows when the child fails or takes too long, and the log says so', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
    expect(await readStaticFacts({ childFile: here('./nothing.ts'), timeoutMs: 20_000 }, { logger })).toEqual(
      plainFacts(),
    );
    expect(await readStaticFacts({ childFile, timeoutMs: 1 }, { logger })).toEqual(plainFacts());
    expect(warnings).toHaveLength(2);
  });
});
