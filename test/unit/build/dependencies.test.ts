import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

function directDependencies(path: string): ReadonlyMap<string, string> {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read(path)) as Manifest;
  return new Map(Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }));
}

const direct = new Map([...directDependencies('package.json'), ...directDependencies('build/packaging/package.json')]);
const explained = new Map(
  [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` +\| (.+?) +\|$/gm)].map(([, name = '', why = '']) => [
    name,
    why,
  ]),
);

it('docs/dependencies.md explains every direct dependency and nothing else', () => {
  expect([...explained.keys()].sort()).toEqual([...direct.keys()].sort());
});

it('each explanation is at least a sentence', () => {
  for (const [name, why] of explained) expect(why, name).toMatch(/^[A-Z].{8,}\.$/);
});

it('versions are exact', () => {
  for (const [name, version] of direct) expect(version, name).toMatch(/^(npm:[a-z-]+@)?\d+\.\d+\.\d+$/);
});
