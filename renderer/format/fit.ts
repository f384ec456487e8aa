import { type ModelFit } from '../../electron/contract/snapshot.ts';
import { formatBytes } from './bytes.ts';
import { type Tone } from './words.ts';

/** One term of the memory that a model needs. */
export interface FitPart {
  readonly id: 'weights' | 'kv' | 'compute' | 'headroom';
  readonly name: string;
  readonly bytes: number;
}

/** A model's needs drawn against what is free; shares are of the bar's whole width, 0–1. */
export interface FitBar {
  readonly parts: readonly (FitPart & { readonly share: number })[];
  /** Where the free memory ends on the bar; 1 when the model leaves some of it. */
  readonly freeShare: number;
  /** Everything that the bar shows, in words. */
  readonly text: string;
}

/** The bar of a fit: as wide as the larger of what is needed and what is free. */
export function fitBar(fit: ModelFit): FitBar {
  const parts: FitPart[] = [
    { id: 'weights', name: 'Weights', bytes: atLeastNothing(fit.weightsBytes) },
    { id: 'kv', name: 'KV cache', bytes: atLeastNothing(fit.kvBytes) },
    { id: 'compute', name: 'Compute', bytes: atLeastNothing(fit.computeBytes) },
    { id: 'headroom', name: 'Headroom', bytes: atLeastNothing(fit.headroomBytes) },
  ];
  const needed = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const free = atLeastNothing(fit.freeBytes);
  const whole = Math.max(needed, free);
  const shareOf = (bytes: number): number => (whole === 0 ? 0 : bytes / whole);
  const terms = parts.map(({ name, bytes }) => `${name.toLowerCase().replace('kv', 'KV')} ${formatBytes(bytes)}`);
  return {
    parts: parts.map((part) => ({ ...part, share: shareOf(part.bytes) })),
    freeShare: shareOf(free),
    text: `Needs ${formatBytes(needed)}, ${formatBytes(free)} free: ${terms.join(', ')}.`,
  };
}

function atLeastNothing(bytes: number): number {
  return Number.isFinite(bytes) ? Math.max(0, bytes) : 0;
}

const verdicts: Readonly<Record<ModelFit['verdict'], { word: string; tone: Tone }>> = {
  fits: { word: 'Fits', tone: 'well' },
  tight: { word: 'Tight', tone: 'busy' },
  'after-unload': { word: 'Needs room', tone: 'busy' },
  'too-big': { word: 'Too big', tone: 'wrong' },
  unknown: { word: 'Fit not known', tone: 'quiet' },
};

/** Whether a model fits, as a word and a colour. */
export function verdictWord(verdict: ModelFit['verdict']): { word: string; tone: Tone } {
  return verdicts[verdict];
}
