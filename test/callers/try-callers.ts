/**
 * Runs the real programs against a real agent whose only upstream follows a script, each in every dialect that it has:
 * `npm run try:callers [-- PROGRAM[:DIALECT] …]`. Writes the shapes of what they sent to `shapes/`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { buildStale } from '../../build/bundling/build-stale.ts';
import { projectRoot } from '../../build/bundling/product.ts';
import { products } from '../../build/bundling/products.ts';
import { install } from './install.ts';
import { triedPrograms, type TriedProgram } from './programs.ts';
import { ScriptedNode } from './scripted-node.ts';
import { trySession } from './session.ts';
import type { Shape } from './shape.ts';

const shapesFolder = join(projectRoot, 'test/callers/shapes');
const wanted = process.argv.slice(2);

function isWanted({ name }: TriedProgram, api: string): boolean {
  return wanted.length === 0 || wanted.includes(name) || wanted.includes(`${name}:${api}`);
}

/** Requests of the same structure once: a session repeats itself. */
function distinct(shapes: readonly Shape[]): Shape[] {
  return [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()];
}

async function tryProgram(node: ScriptedNode, program: TriedProgram, api: string): Promise<boolean> {
  const begun = performance.now();
  const { failures, shapes } = await trySession(node, program, api);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  const label = `${program.name} (${program.install.packages.join(', ')}) ${api}`;
  if (failures.length > 0) {
    console.error(`FAILED ${label}, ${seconds} s\n${failures.map((each) => `  ${each}`).join('\n')}`);
    return false;
  }
  const document = { program: program.name, packages: program.install.packages, api, requests: distinct(shapes) };
  mkdirSync(shapesFolder, { recursive: true });
  const path = join(shapesFolder, `${program.name}-${api}.json`);
  const style = await resolveConfig(path);
  writeFileSync(path, await format(JSON.stringify(document), { ...style, parser: 'json' }));
  console.log(`ok ${label}: ${shapes.length} requests, ${seconds} s`);
  return true;
}

async function tryAll(): Promise<boolean> {
  const { failures } = await buildStale(products, { force: false, say: (line) => console.log(line) });
  if (failures.length > 0) throw new Error(failures.map(({ name, error }) => `${name}: ${error.message}`).join('\n'));
  await using node = await ScriptedNode.start();
  let allWell = true;
  for (const program of triedPrograms) {
    for (const api of program.apis.filter((each) => isWanted(program, each))) {
      await install(program);
      allWell = (await tryProgram(node, program, api)) && allWell;
    }
  }
  return allWell;
}

process.exitCode = (await tryAll()) ? 0 : 1;
