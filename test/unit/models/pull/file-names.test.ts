import fc from 'fast-check';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  nameFiles,
  partsOfSet,
  pathInside,
  safeStem,
  whatIsAt,
} from '../../../../electron/agent/models/pull/file-names.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';

const maker = { owner: 'org', title: 'Horse-7B-GGUF' };

/** Any UTF-16 at all, lone surrogates too. */
const anyText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
  .map((units) => String.fromCharCode(...units));

describe('B62 names of files', () => {
  it.each([
    ['..\\..\\x', 'x'],
    ['../x', 'x'],
    ['C:\\windows\\x', 'C-windows-x'],
    ['con', 'model-con'],
    ['COM1.x', 'model-COM1.x'],
    ['.bashrc', 'bashrc'],
    ['', 'model'],
    ['a‮fdp', 'a-fdp'],
    ['Über Pferd', 'U-ber-Pferd'],
  ])('B62 %j becomes %s', (text, stem) => {
    expect(safeStem(text)).toBe(stem);
  });

  it('B62 whatever the text, the name is plain', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const stem = safeStem(text);
        expect(stem).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
        expect(stem).not.toContain('..');
        expect(stem.length).toBeLessThan(170);
      }),
    );
  });

  it('B62 a path out of the folder is refused, and a link is told as one', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'models'));
    writeFileSync(join(folder, 'secret'), '');
    const models = join(folder, 'models');
    for (const name of ['../secret', '..', '/etc/passwd', 'a/b.gguf', 'a\\b.gguf', '.hidden.gguf', 'a..gguf', '']) {
      expect(() => pathInside(models, name)).toThrow('outside the models folder');
    }
    symlinkSync(models, join(folder, 'alias'));
    // As the list of models has it, which follows no link either.
    expect(pathInside(join(folder, 'alias'), 'x.gguf')).toBe(join(folder, 'alias', 'x.gguf'));
    symlinkSync(join(folder, 'secret'), join(models, 'x.gguf'));
    expect(await whatIsAt(join(models, 'x.gguf'))).toEqual({ kind: 'other' });
    expect(await whatIsAt(join(models, 'y.gguf'))).toEqual({ kind: 'nothing' });
  });
});

describe('nameFiles', () => {
  it('keeps what the file says', () => {
    expect(nameFiles(['a/Horse-7B-Q4_K_M.gguf'], maker)).toEqual({
      stem: 'Horse-7B-Q4_K_M',
      ownStem: 'org-Horse-7B-Q4_K_M',
      endings: ['.gguf'],
    });
  });

  it.each([
    ['ggml-model-i2_s.gguf', 'Horse-7B-i2_s'],
    ['model.gguf', 'Horse-7B'],
    ['Q8_0.gguf', 'Horse-7B-Q8_0'],
  ])('%s takes the name of its repository', (file, stem) => {
    expect(nameFiles([file], maker).stem).toBe(stem);
  });

  it('knows the parts of a set, and refuses parts that do not belong together', () => {
    const parts = ['x-00001-of-00002.gguf', 'x-00002-of-00002.gguf'];
    expect(partsOfSet('q/x-00002-of-00002.gguf')).toEqual(parts.map((part) => `q/${part}`));
    expect(nameFiles(parts, maker)).toMatchObject({
      stem: 'x',
      endings: ['-00001-of-00002.gguf', '-00002-of-00002.gguf'],
    });
    expect(() => nameFiles([...parts].reverse(), maker)).toThrow('do not belong together');
    expect(() => nameFiles(['x-00001-of-00002.gguf', 'y-00002-of-00002.gguf'], maker)).toThrow(
      'do not belong together',
    );
    expect(() => partsOfSet('x-00001-of-99999.gguf')).toThrow('more parts than a model has');
  });
});
