import { describe, expect, it } from 'vitest';
import { programPlaces, type ProgramQuery } from '../../../../electron/agent/engines/finding/program-places.ts';

const query: ProgramQuery = {
  kind: 'llama-server',
  name: 'llama-server',
  configured: null,
  dataDir: '/data',
  searchPath: true,
  env: { PATH: '/a:/usr/local/bin:relative::/a', HOME: '/home/ann' },
  platform: 'linux',
};
const files = (changes: Partial<ProgramQuery>, installs: string[] = []): string[] =>
  programPlaces({ ...query, ...changes }, installs).map(({ file }) => file);

describe('programPlaces', () => {
  it('looks into the settings, what was installed, PATH and the usual folders, in this order and each once', () => {
    const places = programPlaces({ ...query, configured: '/own/llama-server' }, ['b11434']);
    const origins = places.map(({ origin }) => origin);
    expect([...new Set(origins)]).toEqual(['settings', 'installed', 'path', 'usual-folder']);
    expect(origins).toEqual(origins.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
    const all = places.map(({ file }) => file);
    expect(all[0]).toBe('/own/llama-server');
    expect(all).toContain('/data/engines/llama-server/llama-server');
    expect(all).toContain('/data/engines/llama-server/b11434/build/bin/llama-server');
    expect(all.filter((file) => file === '/a/llama-server')).toHaveLength(1);
    expect(all.filter((file) => file === '/usr/local/bin/llama-server')).toHaveLength(1);
  });
  const order = ['settings', 'installed', 'path', 'usual-folder'];

  it('takes no folder that depends on where the agent runs', () => {
    expect(files({}).every((file) => file.startsWith('/'))).toBe(true);
    expect(files({ env: {} }).every((file) => file.startsWith('/'))).toBe(true);
  });

  it('does not take the mainline program for bitnet’s', () => {
    const places = files({ kind: 'bitnet', searchPath: false });
    expect(places).not.toContain('/a/llama-server');
    expect(places).not.toContain('/usr/local/bin/llama-server');
    expect(places).toContain('/home/ann/BitNet/build/bin/llama-server');
  });

  it('knows the usual folder of Ollama on Windows, with the ending that programs have there', () => {
    const places = files({
      kind: 'ollama',
      name: 'ollama',
      platform: 'win32',
      env: { Path: '', LOCALAPPDATA: '/local', USERPROFILE: '/home' },
    });
    expect(places).toContain('/local/Programs/Ollama/ollama.exe');
    expect(places.every((file) => file.endsWith('.exe'))).toBe(true);
  });
});
