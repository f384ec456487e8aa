import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { findLlamaProgram } from '../../../electron/agent/engines/finding/find-llama-program.ts';
import { lowestSafeBuild } from '../../../electron/agent/engines/finding/llama-version.ts';
import { probeProgram } from '../../../electron/agent/engines/finding/probe-program.ts';
import type { ProgramQuery } from '../../../electron/agent/engines/finding/program-places.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { gone } from './engines-rig.ts';

const rules = { lowestBuild: lowestSafeBuild, allowOld: false };

/** A program of that shell text at that path. */
function script(file: string, text: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

function query(folder: string, changes: Partial<ProgramQuery> = {}): ProgramQuery {
  return {
    kind: 'llama-server',
    name: 'llama-server',
    configured: null,
    dataDir: join(folder, 'data'),
    searchPath: true,
    env: { PATH: join(folder, 'bin'), HOME: folder },
    platform: process.platform,
    ...changes,
  };
}

describe.runIf(process.platform !== 'win32')('finding programs', () => {
  it('F36 a broken and an old program are refused with reasons, and the next one serves', async () => {
    const folder = tempFolder();
    const configured = script(join(folder, 'own', 'llama-server'), 'kill -SEGV $$');
    const old = script(
      join(folder, 'data/engines/llama-server/b9000/llama-server'),
      `echo "version: ${lowestSafeBuild - 5} (abc)" >&2`,
    );
    const good = script(join(folder, 'bin', 'llama-server'), 'echo "version: 12000 (abc)"');
    const { program, advice } = await findLlamaProgram(query(folder, { configured }), rules, { clock: systemClock });
    expect(program).toEqual({ file: good, origin: 'path', version: { text: 'b12000', build: 12_000 } });
    expect(advice).toHaveLength(2);
    expect(advice[0]).toContain(`${configured} is broken`);
    expect(advice[1]).toContain(`${old} is b${lowestSafeBuild - 5}`);
  });

  it('F36 none that may be used: each refusal is told, also that of a path that leads nowhere', async () => {
    const folder = tempFolder();
    const configured = join(folder, 'nowhere', 'llama-server');
    const rest = { PATH: join(folder, 'bin') };
    const { program, advice } = await findLlamaProgram(
      query(folder, { configured, kind: 'bitnet', searchPath: false, env: rest }),
      rules,
      { clock: systemClock },
    );
    expect(program).toBeNull();
    expect(advice).toEqual([`${configured} is not there. Correct its path in the settings, or install it.`]);
  });

  it('one file under two names is asked once', async () => {
    const folder = tempFolder();
    const file = script(join(folder, 'own', 'llama-server'), `echo x >> ${join(folder, 'asked')}; exit 1`);
    mkdirSync(join(folder, 'bin'));
    symlinkSync(file, join(folder, 'bin', 'llama-server'));
    const { advice } = await findLlamaProgram(
      query(folder, { kind: 'bitnet', env: { PATH: join(folder, 'bin') } }),
      rules,
      { clock: systemClock },
    );
    expect(advice).toHaveLength(1);
  });

  it('a program that hangs is killed with what it started; nothing of the environment reaches it', async () => {
    const folder = tempFolder();
    const file = script(join(folder, 'slow'), 'echo "started $SECRET $KEPT $$"; sleep 600 & wait');
    const clock = systemClock;
    const hung = await probeProgram(file, [], { clock, from: { SECRET: 'k' }, limitMs: 300 });
    expect(hung).toEqual({ kind: 'too-long' });
    const told = script(join(folder, 'told'), 'echo "<$SECRET|$KEPT|$$>"');
    const outcome = await probeProgram(told, [], { clock, from: { SECRET: 'k' }, env: { KEPT: 'yes' } });
    if (outcome.kind !== 'ended') throw new Error(`the program ${outcome.kind}`);
    expect(outcome.output).toMatch(/^<\|yes\|\d+>/);
    await gone(Number(/\d+/.exec(outcome.output)?.[0]));
  });

  it('the real llama-server tells its version', async (context) => {
    const configured = testEngine(context, 'llama-server');
    const { program } = await findLlamaProgram(query(tempFolder(), { configured }), rules, { clock: systemClock });
    expect(program).toMatchObject({ file: configured, origin: 'settings' });
  });
});
