import { expect, it } from 'vitest';
import { readServerKey } from '../../../electron/agent/upstreams/key-source.ts';

const deps = {
  env: { GOOD: 'sk-secret ', EMPTY: '', TWO: 'sk-secret\nsk-other' },
  readFile: (path: string) =>
    path === '/good'
      ? Promise.resolve('sk-file\n')
      : Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' })),
};

it('takes the key from the file, else from the environment, without the line’s end', async () => {
  expect(await readServerKey({ id: 's' }, deps)).toEqual({ kind: 'none' });
  expect(await readServerKey({ id: 's', keyEnv: 'GOOD' }, deps)).toEqual({ kind: 'key', value: 'sk-secret' });
  expect(await readServerKey({ id: 's', keyEnv: 'GOOD', keyFile: '/good' }, deps)).toEqual({
    kind: 'key',
    value: 'sk-file',
  });
});

it('B55 says which place has no key, and never what is there', async () => {
  for (const from of [{ keyFile: '/bad' }, { keyEnv: 'EMPTY' }, { keyEnv: 'ABSENT' }, { keyEnv: 'TWO' }]) {
    const key = await readServerKey({ id: 's', ...from }, deps);
    expect(key.kind).toBe('problem');
    const sentence = key.kind === 'problem' ? key.sentence : '';
    expect(sentence).toContain(Object.values(from)[0]);
    expect(sentence).not.toContain('sk-');
  }
});
