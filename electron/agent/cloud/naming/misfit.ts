import { keyNameSchema } from '../../../contract/keys.ts';
import { quotable } from '../../base/quotable.ts';
import type { NearNames } from './near-names.ts';

/** Why something that is set holds for nothing. */
export interface Misfit {
  /** `never`: as the node is set, nothing can come under it. `unknown`: nothing does, and something may come to. */
  readonly kind: 'never' | 'unknown';
  /** In words that follow a colon, without a full stop. */
  readonly because: string;
  /** What to do, in whole sentences. */
  readonly advice: string;
  /** Something that the node has was most likely meant. */
  readonly isLikelySlip: boolean;
}

/** What there is on the node for budgets and windows to name. Asked for what is needed alone. */
export interface Nameable {
  /** Ids of providers, also of those that are switched off, and of other servers. */
  readonly providers: readonly string[];
  /** Whether there is a model of that name, as far as can be told. */
  hasModel(provider: string, model: string): boolean;
  /** Those of keys that open something, and all that ever did; null where they cannot be read. */
  keys(): { readonly valid: readonly string[]; readonly known: readonly string[] } | null;
  /** What a name of the operator's own stands for: itself where it is a persona; null where there is no such name. */
  meaning(name: string): { readonly persona: string | null } | null;
  near(kind: NameKind): NearNames;
}

export type NameKind = 'provider' | 'model' | 'key' | 'persona';

/** How a name is written in the setting: scopes say of what kind it is. */
type Write = (kind: NameKind, name: string) => string;

const longestShown = 120;
const mostFits = 3;
const mostListed = 12;
const providerForm = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Why a budget of that scope would limit nothing; null where it would, as far as can be told. Pure. */
export function judgeScope(scope: string, node: Nameable): Misfit | null {
  const write: Write = (kind, name) => `${kind}:${name}`;
  const colon = scope.indexOf(':');
  const name = scope.slice(colon + 1);
  switch (scope.slice(0, Math.max(colon, 0))) {
    case 'provider':
      return judgeProvider(name, node, write);
    case 'model':
      return judgeModel(name, node, write);
    case 'key':
      return judgeKey(name, node, write);
    case 'persona':
      return judgePersona(name, node, write);
    default:
      return null;
  }
}

/** Why a time window of that target would hold for nothing; null where it would, as far as can be told. Pure. */
export function judgeTarget(target: string, node: Nameable): Misfit | null {
  const write: Write = (_kind, name) => name;
  // Windows are written without the words that scopes of budgets begin with.
  const bare = target.replace(/^(?:provider|model):/, '');
  if (bare !== target) {
    const fits = [...node.near('provider').same(bare), ...node.near('model').same(bare)];
    return never('a window names a provider or PROVIDER/MODEL alone', written(fits) ?? `Write ${quoted(bare)}.`, fits);
  }
  return target.includes('/') ? judgeModel(target, node, write) : judgeProvider(target, node, write);
}

function judgeProvider(name: string, node: Nameable, write: Write): Misfit | null {
  if (node.providers.includes(name)) return null;
  const models = node.near('model').same(name);
  const fits = [
    ...node
      .near('provider')
      .near(name)
      .map((fit) => write('provider', fit)),
    ...models.map((fit) => write('model', fit)),
  ];
  return noProvider(name, node, fits);
}

function judgeModel(name: string, node: Nameable, write: Write): Misfit | null {
  const slash = name.indexOf('/');
  const provider = name.slice(0, Math.max(slash, 0));
  const model = name.slice(slash + 1);
  if (provider === '' || model === '') {
    const models = node
      .near('model')
      .near(name)
      .map((fit) => write('model', fit));
    const providers = node
      .near('provider')
      .same(name)
      .map((fit) => write('provider', fit));
    const fits = [...models, ...providers];
    const because = 'a model is named with its provider, as PROVIDER/MODEL';
    return never(because, written(fits) ?? 'Write the provider too.', fits);
  }
  const near = node.near('model').near(name);
  if (!node.providers.includes(provider)) {
    const others = node
      .near('provider')
      .near(provider)
      .map((fit) => `${fit}/${model}`);
    return noProvider(
      provider,
      node,
      (near.length > 0 ? near : others).map((fit) => write('model', fit)),
    );
  }
  if (node.hasModel(provider, model)) return null;
  const fits = near.map((fit) => write('model', fit));
  const meant = fits.length === 0 ? 'Set its price' : `If ${choice(fits)} is meant, write that; else set its price`;
  const advice = `${meant} under "cloud.prices", or take this away.`;
  return { kind: 'unknown', because: 'it has no price here and is not used', advice, isLikelySlip: fits.length > 0 };
}

function judgeKey(name: string, node: Nameable, write: Write): Misfit | null {
  const keys = node.keys();
  // A key that was revoked is no mistake in the name.
  if (keys === null || keys.known.includes(name)) return null;
  const same = node.near('key').same(name);
  const fits = same.map((fit) => write('key', fit));
  // Names that differ by capitals alone are one name to the list of keys.
  const own = keys.valid.find((each) => each.toLowerCase() === name.trim().toLowerCase());
  if (own !== undefined) return never(`the key is named ${quoted(own)}`, `Write ${quoted(write('key', own))}.`, [own]);
  if (name !== name.trim() || !keyNameSchema.safeParse(name).success) {
    const advice = written(fits) ?? '"ranch-hand keys" lists those that there are.';
    return never('no key can have that name', advice, fits);
  }
  return notYet('key', fits, '"ranch-hand keys" lists those that there are.');
}

function judgePersona(name: string, node: Nameable, write: Write): Misfit | null {
  const meaning = node.meaning(name);
  if (meaning?.persona === name) return null;
  if (meaning?.persona === null) {
    return never('it is another name for a model, and no persona', 'Write the model instead.', []);
  }
  if (meaning !== null) {
    const advice = `Write ${quoted(write('persona', meaning.persona))}.`;
    return never(`it is another name for the persona ${quoted(meaning.persona)}`, advice, [name]);
  }
  const fits = node.near('persona').same(name);
  return notYet(
    'persona',
    fits.map((fit) => write('persona', fit)),
    'Personas stand under "names" in the settings.',
  );
}

function noProvider(name: string, { providers }: Nameable, fits: readonly string[]): Misfit {
  const because = `there is no provider ${quoted(name)}`;
  const canBe = providerForm.test(name);
  if (fits.length > 0) {
    const advice = canBe
      ? `Write ${choice(fits)}, or add that provider under "cloud.providers" first.`
      : `Write ${choice(fits)}.`;
    return never(because, advice, fits);
  }
  const listed = providers.slice(0, mostListed).join(', ') + (providers.length > mostListed ? ', …' : '');
  const add = canBe ? ' Another one is added under "cloud.providers" first.' : '';
  return never(because, `There are: ${listed}.${add}`, fits);
}

function notYet(what: 'key' | 'persona', fits: readonly string[], where: string): Misfit {
  const meant = fits.length === 0 ? '' : `If ${choice(fits)} is meant, write that. `;
  const advice = `${meant}It holds as soon as there is one. ${where}`;
  return { kind: 'unknown', because: `there is no ${what} of that name`, advice, isLikelySlip: fits.length > 0 };
}

function never(because: string, advice: string, fits: readonly string[]): Misfit {
  return { kind: 'never', because, advice, isLikelySlip: fits.length > 0 };
}

function written(fits: readonly string[]): string | null {
  return fits.length === 0 ? null : `Write ${choice(fits)}.`;
}

function choice(fits: readonly string[]): string {
  return fits.slice(0, mostFits).map(quoted).join(' or ');
}

function quoted(text: string): string {
  return `"${quotable(text, longestShown)}"`;
}
