import { type ModelFit, type ModelSnapshot } from '../../electron/contract/snapshot.ts';
import { formatCount, formatRate } from './numbers.ts';

/** Variants of one model, best first. */
export interface ModelGroup {
  readonly group: string;
  readonly models: readonly ModelSnapshot[];
}

/**
 * The models as the screen lists them: those in memory first, then those that can be, then the rest; the self-test
 * model, which is nobody's choice, comes last. Variants of one model stand together where their best one stands.
 */
export function groupModels(models: readonly ModelSnapshot[]): readonly ModelGroup[] {
  const groups = new Map<string, ModelSnapshot[]>();
  for (const model of models.toSorted(compareModels)) {
    const key = model.selfTest ? `${model.group} self-test` : model.group;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [model]);
    else group.push(model);
  }
  return [...groups.values()].map((members) => ({ group: members[0]?.group ?? '', models: members }));
}

function compareModels(one: ModelSnapshot, other: ModelSnapshot): number {
  return (
    rank(one) - rank(other) ||
    Number(other.isDefault) - Number(one.isDefault) ||
    one.group.localeCompare(other.group, 'en') ||
    other.sizeBytes - one.sizeBytes
  );
}

function rank(model: ModelSnapshot): number {
  if (model.selfTest) return 5;
  // One that is being loaded keeps its place: a row that was just pressed must not run away.
  if (model.state === 'loaded' || model.state === 'unloading') return 0;
  if (model.problem !== null) return 4;
  return verdictRanks[model.fit?.verdict ?? 'unknown'];
}

const verdictRanks: Readonly<Record<ModelFit['verdict'], number>> = {
  fits: 1,
  tight: 2,
  'after-unload': 2,
  unknown: 3,
  'too-big': 4,
};

/** Why the model cannot be switched to, in words; null when it can. */
export function whyNotUsable(model: Pick<ModelSnapshot, 'problem' | 'fit' | 'state'>): string | null {
  if (model.problem !== null) return model.problem;
  return model.state === 'idle' && model.fit?.verdict === 'too-big' ? model.fit.sentence : null;
}

/** Context of a slot as the node uses it, beside what the model was trained for, in tokens: "8 192 of 32 768". */
export function contextWords(model: Pick<ModelSnapshot, 'contextLength' | 'fit' | 'measured'>): string | null {
  const inForce = model.fit?.contextLength ?? model.measured?.contextLength ?? null;
  const trained = model.contextLength;
  if (inForce === null && trained === null) return null;
  if (inForce === null || trained === null || inForce === trained) return formatCount(inForce ?? trained);
  return `${formatCount(inForce)} of ${formatCount(trained)}`;
}

/** A model's speed and where the figure comes from; null while nothing is known. */
export interface SpeedWords {
  readonly figure: string;
  readonly note: string;
}

/** How fast a model answers here: measured where it was, else what the machine lets expect. */
export function speedWords(model: Pick<ModelSnapshot, 'tokensPerSecond' | 'measured' | 'fit'>): SpeedWords | null {
  const measured = model.measured?.tokensPerSecond ?? model.tokensPerSecond;
  if (measured !== null) {
    const count = model.measured?.count ?? null;
    return { figure: `${formatRate(measured)} tokens/s`, note: count === null ? 'measured' : fromAnswers(count) };
  }
  const expected = model.fit?.tokensPerSecond ?? null;
  return expected === null ? null : { figure: `about ${formatRate(expected)} tokens/s`, note: 'expected' };
}

/** How fast a model reads a prompt here, as {@link speedWords} tells its answers. */
export function prefillWords(model: Pick<ModelSnapshot, 'measured' | 'fit'>): SpeedWords | null {
  const measured = model.measured?.prefillTokensPerSecond ?? null;
  if (measured !== null) {
    return { figure: `${formatRate(measured)} tokens/s`, note: fromAnswers(model.measured?.count ?? 0) };
  }
  const expected = model.fit?.prefillTokensPerSecond ?? null;
  return expected === null ? null : { figure: `about ${formatRate(expected)} tokens/s`, note: 'expected' };
}

function fromAnswers(count: number): string {
  return `from ${formatCount(count)} ${count === 1 ? 'answer' : 'answers'}`;
}
