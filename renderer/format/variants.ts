import { type CommandInput, type Variant } from '../../electron/contract/control.ts';
import { formatBytes } from './bytes.ts';
import { formatRate } from './numbers.ts';

/** Largest first: the exact ones on top, the small ones below; what has no known size comes last. */
export function sortVariants(variants: readonly Variant[]): readonly Variant[] {
  const weight = (one: Variant): number => one.bitsPerWeight ?? one.sizeBytes ?? -1;
  return variants.toSorted(
    (one, other) =>
      Number(other.bitsPerWeight !== null) - Number(one.bitsPerWeight !== null) ||
      weight(other) - weight(one) ||
      one.quantization.localeCompare(other.quantization, 'en'),
  );
}

/** The order that brings a variant about. */
export type VariantOrder =
  | { readonly command: 'models.use'; readonly body: CommandInput<'models.use'> }
  | { readonly command: 'models.pull'; readonly body: CommandInput<'models.pull'> }
  | { readonly command: 'models.quantize'; readonly body: CommandInput<'models.quantize'> };

/** The command that uses a variant, or brings it here (and uses it then if `use`); null when nothing can. */
export function variantOrder(variant: Variant, use: boolean): VariantOrder | null {
  if (variant.model !== null) return { command: 'models.use', body: { model: variant.model } };
  const { get, quantization } = variant;
  if (get === null) return null;
  return get.kind === 'pull'
    ? { command: 'models.pull', body: { reference: get.reference, use } }
    : { command: 'models.quantize', body: { model: get.from, quantization, use } };
}

/** What the button that sends {@link variantOrder} says. */
export function orderLabel(variant: Variant, use: boolean): string {
  const name = variant.quantization;
  if (variant.model !== null) return `Use ${name}`;
  const size = variant.sizeBytes === null ? '' : ` (${formatBytes(variant.sizeBytes)})`;
  const verb = variant.get?.kind === 'quantize' ? 'Make' : 'Get';
  return `${verb} ${name}${size}${use ? ' and use it' : ''}`;
}

/** Where a variant is, in a word or two. */
export function variantPlace(variant: Variant): string {
  if (variant.loaded) return 'Loaded';
  if (variant.model !== null) return 'Here';
  if (variant.get === null) return 'Out of reach';
  return variant.get.kind === 'pull' ? 'To get' : 'Can be made here';
}

/** Why a variant cannot be picked; null when it can. */
export function whyNotPickable(variant: Variant, inUse: string | null): string | null {
  if (variant.model !== null && variant.model === inUse) return 'In use now';
  if (variant.model === null && variant.get === null) return 'There is no way to get it';
  return !variant.loaded && variant.fit?.verdict === 'too-big' ? 'Too big for this machine' : null;
}

/** Bits per weight: "4.89". */
export function formatBits(bits: number | null): string | null {
  return bits === null || !Number.isFinite(bits) ? null : bits.toFixed(2);
}

/** Growth of perplexity: "+2.8 %", "+0.35 %", "None". */
export function formatGrowth(percent: number): string {
  const size = Math.abs(percent);
  const shown = Number(size.toFixed(size < 0.995 ? 2 : size < 9.95 ? 1 : 0));
  return shown === 0 ? 'None' : `${percent < 0 ? '−' : '+'}${shown} %`;
}

/** Speed to expect of a variant, and whether it was measured. */
export function variantSpeed(variant: Variant): { figure: string; measured: boolean } | null {
  const rate = variant.fit?.tokensPerSecond ?? null;
  if (rate === null) return null;
  const measured = variant.fit?.measured === true;
  return { figure: `${measured ? '' : '≈ '}${formatRate(rate)}`, measured };
}

/** The sources of all figures, each once, in the order in which the table mentions them. */
export function variantSources(variants: readonly Variant[]): readonly string[] {
  return [...new Set(variants.flatMap(({ quality }) => (quality === null ? [] : [quality.source])))];
}
