import type { CloudModelRow, CloudSnapshot, SecretRow } from '../../contract/cloud.ts';
import { providerPaint, providerText } from './cloud-words.ts';
import { count } from './figures.ts';
import type { Palette } from './palette.ts';
import { table, type Cell, type Column } from './table.ts';
import { safeLine, wrap } from './text.ts';

interface Screen {
  readonly columns: number;
  readonly palette: Palette;
  readonly nowMs: number;
}

const providerHeads: readonly Column[] = [
  { title: 'Provider', shrinkTo: 8 },
  { title: 'State' },
  { title: 'Models', align: 'right' },
  { title: 'Running', align: 'right' },
];

/** Each provider, how it stands, and what to do where something is missing. */
export function providersLines(providers: CloudSnapshot['providers'], { columns, palette, nowMs }: Screen): string[] {
  if (providers.length === 0) return ['This node knows no cloud provider.'];
  const rows = providers.map((provider): Cell[] => [
    safeLine(provider.id),
    { text: safeLine(provider.state), paint: providerPaint(provider.state, palette) },
    count(provider.modelsTotal),
    count(provider.inFlight),
  ]);
  const words = providers
    .filter(({ state }) => state !== 'ready' && state !== 'no-key' && state !== 'off')
    .flatMap((provider) => wrap(`! ${safeLine(provider.id)}: ${providerText(provider, nowMs)}`, columns));
  const hasNoKey = providers.some(({ state }) => state === 'no-key');
  return [
    ...table(providerHeads, rows, { columns, head: palette.dim }),
    ...(words.length === 0 ? [] : ['', ...words]),
    ...(hasNoKey ? ['', palette.dim('Give a provider its key: ranch-hand secrets set PROVIDER')] : []),
  ];
}

const modelHeads: readonly Column[] = [
  { title: 'Model', shrinkTo: 18 },
  { title: 'Context', align: 'right' },
  { title: 'Input', align: 'right' },
  { title: 'Cached', align: 'right' },
  { title: 'Output', align: 'right' },
  { title: 'Price of', shrinkTo: 10 },
];

/** The models of the providers as callers name them, with what a million tokens cost. */
export function cloudModelsLines(models: readonly CloudModelRow[], { columns, palette }: Screen): string[] {
  if (models.length === 0) return ['There is no such model. See the providers with: ranch-hand providers'];
  const rows = models.map(({ id, contextLength, price, priceSource, priceDate }): Cell[] => [
    { text: safeLine(id), paint: price === null ? palette.dim : palette.plain },
    count(contextLength),
    perMillion(price?.inputUsd),
    perMillion(price?.cachedInputUsd),
    perMillion(price?.outputUsd),
    price === null ? 'unknown' : safeLine(priceSource === null ? 'your settings' : (priceDate ?? 'no date')),
  ]);
  const unpriced = models.some(({ price }) => price === null);
  return [
    ...table(modelHeads, rows, { columns, head: palette.dim }),
    '',
    palette.dim('Prices are dollars for a million tokens.'),
    ...(unpriced ? wrap('A model without a price is not used. Set one in cloud.prices of the settings.', columns) : []),
  ];
}

function perMillion(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) return '–';
  return Number.isInteger(usd * 100) ? usd.toFixed(2) : String(usd);
}

const secretHeads: readonly Column[] = [{ title: 'Provider', shrinkTo: 8 }, { title: 'Key' }, { title: 'Kept in' }];

const storeWords = {
  keyring: "the system's keyring",
  credential: 'a systemd credential',
  file: 'a file that only you may read',
} as const;

/** Which providers have a key and where it is; never the key. */
export function secretsLines(secrets: readonly SecretRow[], { columns, palette }: Omit<Screen, 'nowMs'>): string[] {
  if (secrets.length === 0) return ['This node knows no cloud provider.'];
  const paints = { set: palette.good, missing: palette.dim, locked: palette.attention };
  const rows = secrets.map(({ provider, state, store }): Cell[] => [
    safeLine(provider),
    { text: state, paint: paints[state] },
    store === null ? '–' : storeWords[store],
  ]);
  const words = secrets.flatMap(({ provider, sentence }) =>
    sentence === null ? [] : wrap(`! ${safeLine(provider)}: ${safeLine(sentence)}`, columns),
  );
  return [
    ...table(secretHeads, rows, { columns, head: palette.dim }),
    ...(words.length === 0 ? [] : ['', ...words]),
    '',
    palette.dim('Set one: ranch-hand secrets set PROVIDER'),
  ];
}

/** Where a key is kept, in a sentence. */
export function keptText({ store }: Pick<SecretRow, 'store'>): string {
  return store === null ? 'kept' : `kept in ${storeWords[store]}`;
}
