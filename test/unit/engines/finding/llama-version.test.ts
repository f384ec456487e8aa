import { describe, expect, it } from 'vitest';
import {
  judgeLlamaProgram,
  lowestSafeBuild,
  parseLlamaVersion,
} from '../../../../electron/agent/engines/finding/llama-version.ts';
import type { ProbeOutcome } from '../../../../electron/agent/engines/finding/probe-program.ts';

const strict = { lowestBuild: lowestSafeBuild, allowOld: false };
const said = (output: string): ProbeOutcome => ({ kind: 'ended', code: 0, signal: null, output });

describe('parseLlamaVersion', () => {
  it.each([
    ['version: 11434 (e52aba53)\nbuilt with cc', { text: 'b11434', build: 11_434 }],
    ['ggml_init: found 1 device\nversion: 0.6.0 (build 12001, commit abc)\n', { text: 'b12001', build: 12_001 }],
    ['version: 0.6.0-dev (build 0, commit unknown)', { text: '0.6.0-dev', build: null }],
    ['version: 0 (unknown)', { text: 'unknown build', build: null }],
    ['version: 1 (abc)', { text: 'unknown build', build: null }],
    ['ollama version is 0.17.4', null],
    ['', null],
  ])('%j', (output, version) => {
    expect(parseLlamaVersion(output)).toEqual(version);
  });
});

describe('judgeLlamaProgram', () => {
  it('F36 a build below the floor is refused with its version; consent lets it run with a warning', () => {
    const old = said(`version: ${lowestSafeBuild - 1} (abc)`);
    const refused = judgeLlamaProgram('/x/llama-server', old, strict);
    expect(refused).toMatchObject({ ok: false });
    expect('sentence' in refused && refused.sentence).toContain(`/x/llama-server is b${lowestSafeBuild - 1}`);
    const allowed = judgeLlamaProgram('/x/llama-server', old, { ...strict, allowOld: true });
    expect(allowed).toMatchObject({ ok: true, advice: [expect.stringContaining('Update it.') as string] });
    expect(judgeLlamaProgram('/x', said(`version: ${lowestSafeBuild} (abc)`), strict)).toMatchObject({
      ok: true,
      advice: [],
    });
  });

  it('a build that does not know itself is used, and that is said', () => {
    const judgement = judgeLlamaProgram('/x', said('version: 0 (unknown)'), strict);
    expect(judgement).toMatchObject({
      ok: true,
      advice: [expect.stringContaining('does not know its own build') as string],
    });
    expect(judgeLlamaProgram('/x', said('version: 3962 (a)'), { lowestBuild: null, allowOld: false })).toMatchObject({
      ok: true,
      advice: [],
    });
  });

  it.each<[string, ProbeOutcome, string]>([
    ['is not there', { kind: 'not-started', cause: 'ENOENT' }, 'is not there'],
    ['may not be run', { kind: 'not-started', cause: 'EACCES' }, 'cannot be run (EACCES)'],
    ['hangs', { kind: 'too-long' }, 'in time'],
    ['crashes', { kind: 'ended', code: null, signal: 'SIGSEGV', output: '' }, 'signal SIGSEGV'],
    ['ends with an error', { kind: 'ended', code: 127, signal: null, output: 'a\nno libfoo.so' }, 'no libfoo.so'],
    ['is another program', said('hello'), 'is no llama.cpp server'],
  ])('F36 a program that %s is refused plainly', (_, outcome, words) => {
    const judgement = judgeLlamaProgram('/x/llama-server', outcome, strict);
    expect('sentence' in judgement && judgement.sentence).toContain(words);
    expect('sentence' in judgement && judgement.sentence).toContain('/x/llama-server');
  });
});
