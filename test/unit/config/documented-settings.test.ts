import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { presetProviders } from '../../../electron/contract/cloud.ts';
import { readConfigText } from '../../../electron/agent/config/config-file.ts';
import { isJsonObject, parseSettingText, valueAt } from '../../../electron/agent/config/setting-paths.ts';
import { settingsJsonSchema } from '../../../electron/agent/config/settings.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const files = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'docs')).map((name) => join('docs', name))];
const pages = files
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }));

/** What stands between fences that are marked as JSON. */
function jsonBlocks(text: string): string[] {
  return [...text.matchAll(/^```json\n(.*?)^```$/gmsu)].map((match) => match[1] ?? '');
}

const examples = pages.flatMap(({ name, text }) =>
  jsonBlocks(text).map((block, index) => ({ name: `${name}, example ${String(index + 1)}`, block })),
);
const commands = pages.flatMap(({ name, text }) =>
  [...text.matchAll(/settings set ([a-z][\w.]*) ('[^'\n]*'|[^\s`|]+)/gu)].map(([, key = '', value = '']) => ({
    name,
    key,
    value: value.replaceAll("'", ''),
  })),
);

/** All texts in a value. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value) ? Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)]) : [];
}

describe('the examples of the documents', () => {
  it.each(examples)('can stand in config.json as they are: $name', ({ block }) => {
    const reading = readConfigText(block);
    expect(reading).toMatchObject({ kind: 'ok', invalid: [], unknown: [] });
  });

  it('show every setting that is a table or a list of its own', () => {
    const shown = examples.map(({ block }): unknown => JSON.parse(block));
    for (const path of ['names', 'upstreams', 'cloud.providers', 'cloud.budgets', 'cloud.windows', 'cloud.equivalents'])
      expect(
        shown.some((example) => valueAt(example, path) !== undefined),
        path,
      ).toBe(true);
  });

  it('name models of the known providers that this program has a price for', () => {
    const priced = valueAt(JSON.parse(readFileSync(join(root, 'resources', 'prices.json'), 'utf8')), 'models');
    const named = examples
      .flatMap(({ block }) => textsIn(valueAt(JSON.parse(block), 'cloud')))
      .map((text) => text.replace(/^model:/u, ''))
      .filter((text) => presetProviders.some((id) => text.startsWith(`${id}/`)));
    expect(named.length).toBeGreaterThan(2);
    expect(Object.keys(isJsonObject(priced) ? priced : {})).toEqual(expect.arrayContaining(named));
  });

  it('set with "settings set" what can be set', () => {
    expect(commands.length).toBeGreaterThan(1);
    for (const { key, value } of commands) expect(() => parseSettingText(key, value, '/base'), key).not.toThrow();
  });
});

/** Properties of a JSON schema, at any depth, that say nothing of what they are; objects that only group others may. */
function undescribed(schema: unknown, path = ''): string[] {
  if (Array.isArray(schema)) return schema.flatMap((each: unknown) => undescribed(each, path));
  if (!isJsonObject(schema)) return [];
  return Object.entries(schema).flatMap(([word, inner]) => {
    if (word !== 'properties' || !isJsonObject(inner)) return undescribed(inner, path);
    return Object.entries(inner).flatMap(([name, property]) => {
      const own = `${path}.${name}`;
      const isSilent = isJsonObject(property) && !('description' in property) && !('properties' in property);
      return [...(isSilent ? [own] : []), ...undescribed(property, own)];
    });
  });
}

describe('the published JSON schema', () => {
  it('says of each setting what it is, inside of tables and lists too', () => {
    expect(undescribed(settingsJsonSchema())).toEqual([]);
    expect(undescribed({ properties: { a: { items: { properties: { b: {}, c: { description: 'C.' } } } } } })).toEqual([
      '.a',
      '.a.b',
    ]);
  });
});
