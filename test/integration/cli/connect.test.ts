import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { cli } from './cli-process.ts';

const connect = (home: string, ...args: readonly string[]): ReturnType<typeof cli> =>
  cli(['connect', ...args], { dataDir: join(home, 'data'), env: { HOME: home } });

describe('connect', () => {
  it('shows file, place and a line to try, without an agent too, and writes nothing', async () => {
    const home = tempFolder();
    const { exitCode, stdout, stderr } = await connect(home, 'claude-code');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stdout).toContain(join(home, '.claude/settings.json'));
    expect(stdout).toContain('"ANTHROPIC_BASE_URL": "http://127.0.0.1:8080"');
    expect(stdout).toContain("claude -p 'Say hello in one word.'");
    expect(stderr).toContain('No agent is running');
    expect(readdirSync(home)).toEqual([]);
  });

  it('writes into what is there, keeps the old file beside it, and the second time says that nothing is new', async () => {
    const home = tempFolder();
    const folder = join(home, '.claude');
    mkdirSync(folder);
    writeFileSync(join(folder, 'settings.json'), '{"theme":"dark","env":{"MINE":"1"}}', { mode: 0o640 });
    const first = await connect(home, 'claude-code', '--write', '--json');
    const { written } = JSON.parse(first.stdout) as { written: { backup: string; changes: string[] } };
    expect(written.changes).toContain('env.ANTHROPIC_BASE_URL');
    expect(readFileSync(written.backup, 'utf8')).toBe('{"theme":"dark","env":{"MINE":"1"}}');
    expect(statSync(join(folder, 'settings.json')).mode & 0o777).toBe(0o640);
    expect(JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8'))).toMatchObject({
      theme: 'dark',
      env: { MINE: '1', ANTHROPIC_BASE_URL: 'http://127.0.0.1:8080' },
    });
    const second = await connect(home, 'claude-code', '--write');
    expect(second.stdout).toContain('said all this already');
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('a file of its own is the user’s alone, and a link into other folders stays one', async () => {
    const home = tempFolder();
    await connect(home, 'opencode', '--write');
    expect(statSync(join(home, '.config/opencode/opencode.json')).mode & 0o777).toBe(0o600);
    writeFileSync(join(home, 'dotfile.json'), '{}');
    mkdirSync(join(home, '.openclaw'));
    symlinkSync(join(home, 'dotfile.json'), join(home, '.openclaw/openclaw.json'));
    await connect(home, 'openclaw', '--api', 'ollama', '--write');
    expect(readFileSync(join(home, 'dotfile.json'), 'utf8')).toContain('"api": "ollama"');
  });

  it('a file that it cannot read for sure is left alone, byte for byte', async () => {
    const home = tempFolder();
    mkdirSync(join(home, '.openclaw'));
    const path = join(home, '.openclaw/openclaw.json');
    writeFileSync(path, '{ // mine\n  agents: {},\n}\n');
    const { exitCode, stderr } = await connect(home, 'openclaw', '--write');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('left alone');
    expect(readFileSync(path, 'utf8')).toBe('{ // mine\n  agents: {},\n}\n');
    expect(readdirSync(join(home, '.openclaw'))).toEqual(['openclaw.json']);
  });

  it.each([
    [['emacs'], 'Known are claude-code'],
    [['claude-code', '--api', 'ollama'], 'It can speak anthropic'],
    [['ollama', '--write'], 'by the environment'],
  ])('%j is wrong usage, with what would be right', async (args, words) => {
    const { exitCode, stderr } = await connect(tempFolder(), ...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
  });
});
