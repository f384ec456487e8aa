import type { ModelSnapshot, NodeSnapshot, PullSnapshot, SwitchSnapshot } from '../contract/snapshot.ts';
import { fileSize, percent, plainText, speed } from './figures.ts';
import type { MenuItem } from './tray-items.ts';

const longestName = 48;
const longestSentence = 90;
/** More lines than this and the menu would not fit a screen; the panel lists them all. */
const mostLines = 20;

const separator: MenuItem = { kind: 'separator' };
const another: MenuItem = {
  kind: 'action',
  label: 'Get another model…',
  action: { kind: 'openPanel', screen: 'models' },
};

type Parts = Pick<NodeSnapshot, 'models' | 'pulls' | 'switching'>;

/**
 * The model submenu: a click switches. Variants of one model share a submenu of its name; what would not fit or cannot
 * be used is shown with the reason and cannot be clicked.
 */
export function modelItems({ models, pulls, switching }: Parts): MenuItem[] {
  const groups = [...Map.groupBy(models, (model) => model.group).values()];
  const lines = groups.slice(0, mostLines).map((variants): MenuItem => {
    const [only] = variants;
    return variants.length === 1 && only ? modelItem(only, hasCurrent(models), nameOf(only)) : groupItem(variants);
  });
  const rest = groups.slice(mostLines).reduce((count, variants) => count + variants.length, 0);
  const onTheWay = [...switchItems(switching), ...pulls.flatMap(pullItem)];
  return [
    ...(onTheWay.length === 0 ? [] : [...onTheWay, separator]),
    ...(models.length === 0 ? [{ kind: 'label' as const, label: 'No model on this machine' }] : lines),
    ...(rest > 0 ? [{ kind: 'label' as const, label: `and ${rest} more` }] : []),
    separator,
    another,
  ];
}

/** The line that stands for a model in the menu's first lines and in its submenu. */
export function modelWords(model: ModelSnapshot): string[] {
  const name = plainText(model.name, longestName);
  return model.quantization === null ? [name] : [name, plainText(model.quantization, 16)];
}

const nameOf = (model: ModelSnapshot): string => modelWords(model).join(' · ');

/** A group of radio marks in which none is set does not exist: the system would set the first by itself. */
const hasCurrent = (models: readonly ModelSnapshot[]): boolean => models.some(isCurrent);

/** The one that answers callers who name no model. */
const isCurrent = (model: ModelSnapshot): boolean => model.isDefault && model.loaded;

function groupItem(variants: readonly ModelSnapshot[]): MenuItem {
  const current = variants.find(isCurrent);
  const group = plainText(variants[0]?.group ?? '', longestName);
  return {
    kind: 'submenu',
    label: current?.quantization == null ? group : `● ${group} · ${plainText(current.quantization, 16)}`,
    items: [
      ...variants.map((model) =>
        modelItem(model, current !== undefined, plainText(model.quantization ?? model.id, 24)),
      ),
      separator,
      { kind: 'action', label: 'Choose another quantization…', action: { kind: 'openPanel', screen: 'models' } },
    ],
  };
}

function modelItem(model: ModelSnapshot, marked: boolean, name: string): MenuItem {
  const mark = marked ? { mark: { checked: isCurrent(model), of: 'radio' as const } } : {};
  const reason = reasonAgainst(model);
  const line = [name, factsOf(model).join(' · ')].join('   ');
  if (reason !== null) return { kind: 'label', label: `${line} — ${plainText(reason, longestSentence)}`, ...mark };
  return { kind: 'action', label: line, action: { kind: 'useModel', model: model.id }, ...mark };
}

/** Why a click could do nothing; null when it can. */
function reasonAgainst({ problem, fit, loaded }: ModelSnapshot): string | null {
  if (problem !== null) return problem;
  return fit?.verdict === 'too-big' && !loaded ? fit.sentence : null;
}

function factsOf(model: ModelSnapshot): string[] {
  const measured = model.measured?.tokensPerSecond ?? model.tokensPerSecond;
  const expected = model.fit?.tokensPerSecond ?? null;
  const rate = measured === null ? (expected === null ? null : `about ${speed(expected)}`) : speed(measured);
  return [
    fileSize(model.sizeBytes),
    ...(rate === null ? [] : [rate]),
    ...(model.loaded && !model.isDefault ? ['loaded'] : []),
    ...(model.selfTest ? ['self-test'] : []),
  ];
}

function switchItems(switching: SwitchSnapshot | null): MenuItem[] {
  if (switching === null || ['done', 'rolled-back', 'failed'].includes(switching.phase)) return [];
  const share = switching.progress === null ? '' : ` ${percent(switching.progress * 100)}`;
  return [{ kind: 'label', label: `${plainText(switching.sentence, longestSentence)}${share}` }];
}

function pullItem({ name, state, receivedBytes, totalBytes, secondsLeft }: PullSnapshot): MenuItem[] {
  if (state !== 'running' && state !== 'verifying' && state !== 'paused') return [];
  const share =
    totalBytes === null || totalBytes === 0 ? fileSize(receivedBytes) : percent((100 * receivedBytes) / totalBytes);
  const left = state !== 'running' || secondsLeft === null ? '' : ` · ${timeLeft(secondsLeft)} left`;
  const how = state === 'running' ? 'Getting' : state === 'paused' ? 'Paused:' : 'Checking';
  const label = `${how} ${plainText(name, longestName)}   ${share}${left}`;
  return [{ kind: 'action', label, action: { kind: 'openPanel', screen: 'models' } }];
}

function timeLeft(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
