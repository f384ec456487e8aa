import { describe, expect, it } from 'vitest';
import { mergeJson } from '../../../../electron/cli/connect/merge-json.ts';
import { mergeYamlKeys, mergeYamlList } from '../../../../electron/cli/connect/merge-yaml.ts';

describe('settings in JSON', () => {
  it('what stands in the file stays, what is wanted joins it, and each change is named without its value', () => {
    const present = '{\n    "theme": "dark",\n    "env": { "A": "1", "URL": "old" }\n}\n';
    const merged = mergeJson(present, { env: { URL: 'new', KEY: 'secret' } });
    expect(JSON.parse(merged?.text ?? '')).toEqual({ theme: 'dark', env: { A: '1', URL: 'new', KEY: 'secret' } });
    expect(merged?.changes).toEqual(['env.URL', 'env.KEY']);
    expect(merged?.text).toContain('\n    "theme"');
  });

  it('a second time nothing changes, to the byte', () => {
    const wanted = { a: { b: [{ id: 'x', n: 1 }] } };
    const once = mergeJson('', wanted);
    expect(mergeJson(once?.text ?? '', wanted)).toEqual({ text: once?.text, changes: [] });
  });

  it('lists of things with ids are joined by them', () => {
    const merged = mergeJson('{"models":[{"id":"mine","n":1},{"id":"x","n":1,"own":true}]}', {
      models: [
        { id: 'x', n: 2 },
        { id: 'y', n: 3 },
      ],
    });
    expect(JSON.parse(merged?.text ?? '')).toEqual({
      models: [
        { id: 'mine', n: 1 },
        { id: 'x', n: 2, own: true },
        { id: 'y', n: 3 },
      ],
    });
    expect(merged?.changes).toEqual(['models[x].n', 'models[y]']);
  });

  it.each(['{ "a": 1, // why\n }', '[1]', '"text"', '{', 'null'])('%s is left alone', (text) => {
    expect(mergeJson(text, { a: 1 })).toBeNull();
  });

  it('a name like __proto__ in the file is kept as a name', () => {
    const merged = mergeJson('{"__proto__":{"x":1}}', { a: 1 });
    expect(merged?.text).toContain('"__proto__"');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('settings in YAML', () => {
  const wanted = { model: ['model: "openai/x"'], 'set-env': ['set-env:', '  - "URL=new"'] };

  it('a key is replaced where it stands, with comments and other keys kept', () => {
    const present = '# mine\nmodel: gpt-4 # old\n\n# colours\ndark-mode: true\nset-env:\n- URL=old\n- OTHER=1\n';
    const merged = mergeYamlKeys(present, wanted);
    expect(merged?.text).toBe(
      '# mine\nmodel: "openai/x"\n\n# colours\ndark-mode: true\nset-env:\n- OTHER=1\n- "URL=new"\n',
    );
    expect(merged?.changes).toEqual(['model', 'set-env']);
  });

  it('an empty file gets all of it, and a second time nothing changes', () => {
    const once = mergeYamlKeys('', wanted);
    expect(once?.text).toBe('model: "openai/x"\nset-env:\n  - "URL=new"\n');
    expect(mergeYamlKeys(once?.text ?? '', wanted)?.changes).toEqual([]);
  });

  it.each(['set-env: [A=1]\n', 'set-env: &anchor\n  - A=1\n', '{model: x}\n', '--- !tag\n'])(
    '%j is left alone',
    (text) => {
      expect(mergeYamlKeys(text, wanted)).toBeNull();
    },
  );

  it('entries of a list come at the end, and are replaced where they stand', () => {
    const once = mergeYamlList('- model_id: mine\n  model_name: a\n', ['- model_id: x'], 'ours');
    expect(once?.text).toBe('- model_id: mine\n  model_name: a\n# ranch-hand begin\n- model_id: x\n# ranch-hand end\n');
    const more = `${once?.text ?? ''}- model_id: later\n`;
    const twice = mergeYamlList(more, ['- model_id: y'], 'ours');
    expect(twice?.text).toBe(more.replace('model_id: x', 'model_id: y'));
    expect(mergeYamlList(twice?.text ?? '', ['- model_id: y'], 'ours')?.changes).toEqual([]);
  });

  it.each(['models:\n  - a\n', '[a, b]\n', '# ranch-hand begin\n- a\n'])('the list %j is left alone', (text) => {
    expect(mergeYamlList(text, ['- x'], 'ours')).toBeNull();
  });
});
