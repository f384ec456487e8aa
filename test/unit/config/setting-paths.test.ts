import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  environmentName,
  parseSettingText,
  problemWith,
  settingPaths,
  withoutValueAt,
  withValueAt,
} from '../../../electron/agent/config/setting-paths.ts';
import { pathSettings } from '../../../electron/contract/control.ts';
import { settingsJsonSchema } from '../../../electron/agent/config/settings.ts';

describe('setting paths', () => {
  it('name an environment variable each', () => {
    expect(environmentName('gateway.port')).toBe('RANCH_HAND_GATEWAY_PORT');
    expect(environmentName('engines.embedded.contextLength')).toBe('RANCH_HAND_ENGINES_EMBEDDED_CONTEXT_LENGTH');
    expect(new Set(settingPaths.map(environmentName)).size).toBe(settingPaths.length);
  });

  it('take text as JSON where that fits, else as it stands', () => {
    expect(parseSettingText('gateway.port', '9000')).toBe(9000);
    expect(parseSettingText('models.default', '/models/a.gguf')).toBe('/models/a.gguf');
    expect(parseSettingText('node.name', '42')).toBe('42');
    expect(parseSettingText('node.name', 'null')).toBeNull();
    expect(parseSettingText('engines.embedded.threads', 'auto')).toBe('auto');
    expect(parseSettingText('engines.embedded.enabled', 'false')).toBe(false);
  });

  it('that are file paths stand in the schema, are full, and text is taken from a folder where one is given', () => {
    for (const path of pathSettings) {
      expect(settingPaths).toContain(path);
      expect(() => parseSettingText(path, './x.gguf')).toThrow(/full path/);
      expect(parseSettingText(path, './x.gguf', '/base')).toBe(resolve('/base/x.gguf'));
      expect(parseSettingText(path, '"/a b"', '/base')).toBe(resolve('/a b'));
      expect(parseSettingText(path, 'null', '/base')).toBeNull();
      expect(() => parseSettingText(path, '', '/base')).toThrow(/not be empty/);
    }
  });

  it('that take nothing but a full path are all known as such', () => {
    const full = resolve('/base/x');
    const taking = settingPaths.filter((path) => {
      const problem = problemWith(path, 'x');
      return problem?.includes('full path') === true && problemWith(path, full) === null;
    });
    expect(taking.toSorted()).toEqual([...pathSettings].sort());
  });

  it('that are a path or a name take only the path from a folder', () => {
    expect(parseSettingText('models.default', './x.gguf', '/base')).toBe(resolve('/base/x.gguf'));
    expect(parseSettingText('models.default', 'x.gguf', '/base')).toBe(resolve('/base/x.gguf'));
    expect(parseSettingText('models.default', 'hf.co/org/repo:Q4_K_M', '/base')).toBe('hf.co/org/repo:Q4_K_M');
    expect(parseSettingText('models.default', 'llama3.1:8b', '/base')).toBe('llama3.1:8b');
    expect(() => parseSettingText('models.default', './x.gguf')).toThrow(/full path/);
  });

  it('B66 are refused in plain words', () => {
    expect(problemWith('gateway.port', 70_000)).toBe('gateway.port cannot be 70000: it must be at most 65535.');
    expect(problemWith('gateway.port', 1e99)).toBe('gateway.port cannot be 1e+99: it must be a smaller number.');
    expect(problemWith('node.name', '')).toBe('node.name cannot be "": it must not be empty.');
    expect(problemWith('engines.embedded.threads', 0)).toBe(
      'engines.embedded.threads cannot be 0: it must be at least 1.',
    );
  });

  it.each([
    ['gateway.port', '70000'],
    ['gateway.port', 'http'],
    ['gateway.host', '0.0.0.0'],
    ['engines.embedded.parallel', '0'],
    ['cow.bell', '1'],
    ['gateway', '{}'],
    ['__proto__.polluted', '1'],
  ])('B66 refuse %s = %s with a sentence', (path, text) => {
    expect(() => parseSettingText(path, text)).toThrow(expect.objectContaining({ code: 'settings_invalid' }));
    expect(problemWith(path, text)).toMatch(/\.$/);
  });

  it('B66 that do not exist name what is near, and no wall of names', () => {
    expect(problemWith('cloud.providers.xai.url', 'https://x.example')).toBe(
      `There is no setting cloud.providers.xai.url. cloud.providers is one setting, a table that is set as a whole, as JSON: ranch-hand settings set cloud.providers '{"xai":{"url":"…"}}'. To keep what is in it, write that too.`,
    );
    expect(problemWith('cloud.budgets.0', 1)).toBe(
      'There is no setting cloud.budgets.0. cloud.budgets is one setting, which is set as a whole.',
    );
    expect(problemWith('models.defaults', 'x')).toMatch(
      /^There is no setting models\.defaults\. In models there are: /,
    );
    expect(problemWith('cow.bell', 1)).toMatch(
      /Settings begin with one of: .*gateway, .*\. All are listed by "ranch-hand settings"\.$/,
    );
    for (const path of ['cloud.providers..url', 'cloud.providers.', '__proto__.x', 'cloud', '']) {
      expect(problemWith(path, 1)?.length).toBeLessThan(1_500);
    }
  });

  it('are set and removed without touching the original', () => {
    const before = { a: { b: 1, c: 2 } };
    expect(withValueAt(before, 'a.b', 3)).toEqual({ a: { b: 3, c: 2 } });
    expect(withValueAt(before, 'x.y', 3)).toEqual({ a: { b: 1, c: 2 }, x: { y: 3 } });
    expect(withoutValueAt(before, ['a', 'b'])).toEqual({ a: { c: 2 } });
    expect(before).toEqual({ a: { b: 1, c: 2 } });
  });
});

describe('the published JSON schema', () => {
  it('is the one in resources/', () => {
    const path = join(import.meta.dirname, '..', '..', '..', 'resources', 'settings.schema.json');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(JSON.parse(JSON.stringify(settingsJsonSchema())));
  });
});
