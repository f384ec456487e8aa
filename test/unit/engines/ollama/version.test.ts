import { expect, it } from 'vitest';
import { problemOf } from '../../../../electron/agent/engines/ollama/find-ollama.ts';
import { judgeVersion, versionIn } from '../../../../electron/agent/engines/ollama/version.ts';

it.each([
  ['0.17.1', 'fine'],
  ['0.17.4', 'fine'],
  ['v0.18.0-rc1', 'fine'],
  ['1.0.0', 'fine'],
  ['0.17.0', 'too-old'],
  ['0.9.99', 'too-old'],
  ['0.0.0', 'unknown'],
  ['built by hand', 'unknown'],
] as const)('F36 version %s is %s', (version, judgement) => {
  expect(judgeVersion(version)).toBe(judgement);
});

it('reads the version of the program and of the server', () => {
  expect(
    versionIn('Warning: could not connect to a running Ollama instance\nWarning: client version is 0.17.4\n'),
  ).toBe('0.17.4');
  expect(versionIn('ollama version is 0.6.2')).toBe('0.6.2');
  expect(versionIn('bash: ollama: Exec format error')).toBeNull();
});

it('F36 says what is wrong with a program, and what to do', () => {
  const ended = (output: string) => ({ kind: 'ended', code: 0, signal: null, output }) as const;
  expect(problemOf('/o', ended('ollama version is 0.17.4'))).toBeNull();
  expect(problemOf('/o', ended('ollama version is 0.5.0'))).toMatch(/^\/o is Ollama 0\.5\.0.*Update it to 0\.17\.1/);
  expect(problemOf('/o', ended('Segmentation fault'))).toMatch(/Install Ollama again/);
  expect(problemOf('/o', { kind: 'not-started', cause: 'EACCES' })).toMatch(/EACCES/);
  expect(problemOf('/o', { kind: 'too-long' })).toMatch(/in time/);
});
