// Builds what the command line needs if it is stale, then becomes the command line. Started by ranch-hand.mjs.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildStale } from './bundling/build-stale.ts';
import { projectRoot } from './bundling/product.ts';
import { products } from './bundling/products.ts';

/** Says on stderr what is built: stdout belongs to the command. */
const say = (line: string): void => void process.stderr.write(`ranch-hand: ${line}\n`);

/** `agent` runs the node itself, which needs everything; the other verbs only talk to it. */
const needed = process.argv[2] === 'agent' ? products : products.filter(({ name }) => name === 'command line');
const { failures } = await buildStale(needed, { force: false, say });
if (failures.length > 0) {
  for (const { name, error } of failures) say(`${name} could not be built.\n${error.message}`);
  process.exitCode = 1;
} else {
  await import(pathToFileURL(join(projectRoot, 'dist', 'cli.js')).href);
}
