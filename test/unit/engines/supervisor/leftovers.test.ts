import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { Leftovers } from '../../../../electron/agent/engines/supervisor/leftovers.ts';
import type { ProcessIdentity } from '../../../../electron/agent/engines/supervisor/process-identity.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';

const nonce = '0123456789abcdef0123456789abcdef';
const ours: ProcessIdentity = {
  pid: 4_711,
  startedAt: '1234',
  executable: '/opt/node',
  commandLine: `/opt/node engine.js --nonce ${nonce}`,
  nonce: null,
};
/** A program that takes no argument of ours. */
const inEnvironment: ProcessIdentity = { ...ours, executable: '/opt/ollama', commandLine: '/opt/ollama serve', nonce };

function rig(running: ProcessIdentity | null) {
  const file = join(tempFolder(), 'engine-processes.json');
  const killed: number[] = [];
  const leftovers = () =>
    new Leftovers(
      { file },
      { identify: () => Promise.resolve(running), kill: (pid) => void killed.push(pid), logger: silentLogger },
    );
  const remember = (change: object): void => {
    const { pid, startedAt, executable } = ours;
    writeFileSync(
      file,
      JSON.stringify([{ engineId: 'embedded', pid, startedAt, executable, nonce, nonceIn: 'arguments', ...change }]),
    );
  };
  return { file, killed, leftovers, remember };
}

describe('Leftovers', () => {
  it('ends a process that an earlier run left behind, and forgets it', async () => {
    const { killed, leftovers, remember } = rig(ours);
    remember({});
    expect(await leftovers().sweep()).toEqual({ ended: 1, foreign: 0 });
    expect(killed).toEqual([ours.pid]);
    expect(await leftovers().sweep()).toEqual({ ended: 0, foreign: 0 });
  });

  it.each([
    ['start time', { startedAt: '9999' }],
    ['program', { executable: '/usr/bin/postgres' }],
    ['nonce', { nonce: 'ffffffffffffffffffffffffffffffff' }],
    ['nonce too short to prove anything', { nonce: '--nonce' }],
    ['place of the nonce', { nonceIn: 'environment' }],
    ['place of the nonce, once unread', { nonceIn: 'nowhere' }],
  ])('F9 the file names a foreign process: another %s means untouched', async (_, change) => {
    const { killed, leftovers, remember } = rig(ours);
    remember(change);
    expect(await leftovers().sweep()).toEqual({ ended: 0, foreign: 1 });
    expect(killed).toEqual([]);
  });

  it('F5 knows a program by the nonce in its environment', async () => {
    const change = { executable: '/opt/ollama', nonceIn: 'environment' };
    const same = rig(inEnvironment);
    same.remember(change);
    expect(await same.leftovers().sweep()).toEqual({ ended: 1, foreign: 0 });
    for (const other of [null, 'f'.repeat(32)]) {
      const { killed, leftovers, remember } = rig({ ...inEnvironment, nonce: other });
      remember(change);
      expect(await leftovers().sweep()).toEqual({ ended: 0, foreign: 1 });
      expect(killed).toEqual([]);
    }
  });

  it('F5 where no nonce can be read, start time and program have to do', async () => {
    const unread = { ...inEnvironment, nonce: null };
    const { file, killed, leftovers } = rig(unread);
    const list = leftovers();
    await list.add('ollama', unread.pid, nonce);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject([{ nonceIn: 'nowhere' }]);
    expect(await leftovers().sweep()).toEqual({ ended: 1, foreign: 0 });
    expect(killed).toEqual([unread.pid]);
  });

  it('a process that is gone is forgotten in silence', async () => {
    const { killed, leftovers, remember } = rig(null);
    remember({});
    expect(await leftovers().sweep()).toEqual({ ended: 0, foreign: 0 });
    expect(killed).toEqual([]);
  });

  it.each(['', '{', '[{"pid":-1}]', '{"pid":1}', '[null, 7]', '\0\0\0'])(
    'an unreadable file (%j) ends nothing',
    async (text) => {
      const { file, killed, leftovers } = rig(ours);
      writeFileSync(file, text);
      expect(await leftovers().sweep()).toEqual({ ended: 0, foreign: 0 });
      expect(killed).toEqual([]);
    },
  );

  it('remembers what was started and forgets what ended', async () => {
    const { file, leftovers } = rig(ours);
    const list = leftovers();
    await list.add('embedded', ours.pid, nonce);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([
      { engineId: 'embedded', pid: ours.pid, startedAt: '1234', executable: '/opt/node', nonce, nonceIn: 'arguments' },
    ]);
    await list.remove(ours.pid);
    expect(() => readFileSync(file, 'utf8')).toThrow('ENOENT');
  });
});
