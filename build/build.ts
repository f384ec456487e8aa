// `npm run build`: makes what is stale, or everything with --force. Names of products limit it to those.
import { buildStale } from './bundling/build-stale.ts';
import { products } from './bundling/products.ts';

async function main(args: readonly string[]): Promise<number> {
  const force = args.includes('--force');
  const names = args.filter((arg) => !arg.startsWith('-'));
  const unknown = names.find((name) => !products.some((product) => product.name === name));
  if (unknown !== undefined) {
    console.error(`There is no product ${unknown}. There are: ${products.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const chosen = names.length === 0 ? products : products.filter(({ name }) => names.includes(name));
  const { built, failures } = await buildStale(chosen, { force, say: (line) => console.log(line) });
  for (const { name, error } of failures) console.error(`${name} could not be built.\n${error.message}`);
  if (failures.length === 0 && built.length === 0) console.log('Everything is up to date.');
  return failures.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
