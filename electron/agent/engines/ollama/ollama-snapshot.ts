import type { EngineSnapshot } from '../../../contract/snapshot.ts';
import { assertNever } from '../../base/errors.ts';
import { snapshotOf } from '../engine-snapshot.ts';
import type { AdoptedOllama } from './adopted-ollama.ts';
import { urlOf } from './address.ts';
import { adviceFor, type Advice } from './advice.ts';
import type { WatchedModel } from './ollama-watch.ts';
import type { OwnedOllama } from './owned-ollama.ts';
import { judgeVersion, oldestVersion } from './version.ts';

/** How the node stands to Ollama. */
export type OllamaMode =
  | { readonly kind: 'stopped'; readonly sinceMs: number }
  /** Nothing answers and nothing can be started; the address is watched. */
  | {
      readonly kind: 'absent';
      readonly adopted: AdoptedOllama;
      readonly refused: readonly string[];
      readonly sinceMs: number;
    }
  /** One that somebody else runs, also while it is gone. */
  | { readonly kind: 'adopted'; readonly adopted: AdoptedOllama }
  /** `beside`: where the operator's own has come up since. `refused`: why better placed programs were passed over. */
  | {
      readonly kind: 'owned';
      readonly owned: OwnedOllama;
      readonly beside: string | null;
      readonly refused: readonly string[];
    };

export interface OllamaFacts {
  readonly id: string;
  readonly platform: NodeJS.Platform;
  readonly draining: boolean;
  readonly busy: number;
}

type Own = Omit<EngineSnapshot, 'id' | 'kind' | 'availability' | 'slots'>;

const iso = (wallMs: number): string => new Date(wallMs).toISOString();
const nothing = {
  version: null,
  pid: null,
  readyAt: null,
  restarts: 0,
  lastExit: null,
  nextTryAt: null,
  model: null,
  memoryBytes: null,
  url: null,
  manager: 'someone-else',
  advice: [],
  processes: [],
} satisfies Partial<EngineSnapshot>;

/** Requests that each model works on side by side. */
export function slotsOf(mode: OllamaMode): number {
  if (mode.kind === 'owned') return mode.owned.settings.parallel;
  if (mode.kind !== 'adopted') return 0;
  const told = Number(mode.adopted.keeper?.settings?.['OLLAMA_NUM_PARALLEL'] ?? '');
  return Number.isInteger(told) && told >= 1 && told <= 64 ? told : 1;
}

/** The context that it gives a model; null where that is not told. */
export function contextOf(mode: OllamaMode): number | null {
  if (mode.kind === 'owned') return mode.owned.settings.contextLength;
  if (mode.kind !== 'adopted') return null;
  const told = Number(mode.adopted.keeper?.settings?.['OLLAMA_CONTEXT_LENGTH'] ?? '');
  return Number.isInteger(told) && told > 0 ? told : null;
}

/** Ollama as every surface shows it. */
export function ollamaSnapshot(mode: OllamaMode, facts: OllamaFacts): EngineSnapshot {
  const own = partOf(mode, facts);
  const slots = own.state === 'ready' || own.state === 'adopted' ? slotsOf(mode) : 0;
  return {
    ...own,
    id: facts.id,
    kind: 'ollama',
    slots: { total: slots, busy: Math.min(facts.busy, slots) },
    availability: { day: null, week: null, month: null },
  };
}

function partOf(mode: OllamaMode, facts: OllamaFacts): Own {
  switch (mode.kind) {
    case 'stopped':
      return {
        ...nothing,
        ownership: 'adopted',
        state: 'stopped',
        since: iso(mode.sinceMs),
        sentence: 'Ollama is not used. Start the engine to look for it again.',
        foundAt: null,
      };
    case 'absent':
      return absent(mode);
    case 'adopted':
      return mode.adopted.present ? adopted(mode.adopted, facts) : gone(mode.adopted);
    case 'owned':
      return owned(mode, facts);
    default:
      return assertNever(mode);
  }
}

function absent({ adopted: seen, refused, sinceMs }: Extract<OllamaMode, { kind: 'absent' }>): Own {
  const here = refused.length > 0 ? refused.join(' ') : null;
  const url = urlOf(seen.address);
  const presence = seen.watch.presence;
  const nobody =
    presence.kind === 'gone' && presence.cause === 'foreign'
      ? `Another program, and no Ollama, answers at ${url}. It is left alone.`
      : `No Ollama answers at ${url}.`;
  return {
    ...nothing,
    ownership: 'adopted',
    state: 'absent',
    since: iso(sinceMs),
    sentence: here === null ? `${nobody} Start Ollama, or install it.` : `${nobody} ${here}`,
    foundAt: null,
  };
}

function gone(seen: AdoptedOllama): Own {
  const { presence } = seen.watch;
  const url = urlOf(seen.address);
  const cause = presence.kind === 'gone' ? presence.cause : 'nobody';
  const sentence = {
    nobody: `Ollama at ${url} is gone. It is used again as soon as it answers.`,
    silent: `Ollama at ${url} takes connections and does not answer. It is used again as soon as it does.`,
    foreign: `Another program has taken the place of Ollama at ${url}. It is left alone.`,
  }[cause];
  const manager = seen.keeper?.keeper ?? 'someone-else';
  const lines = manager === 'systemd' ? ['sudo systemctl start ollama'] : [];
  return {
    ...nothing,
    ownership: 'adopted',
    state: 'absent',
    since: iso(seen.sinceMs),
    sentence,
    foundAt: url,
    manager,
    advice: lines.length > 0 ? [{ sentence: 'Its service is not running.', lines }] : [],
  };
}

function adopted(seen: AdoptedOllama, { platform }: OllamaFacts): Own {
  const { presence, models } = seen.watch;
  const { keeper } = seen;
  const url = urlOf(seen.address);
  const version = presence.kind === 'present' ? presence.version : null;
  const manager = keeper?.keeper ?? 'someone-else';
  const advice = adviceFor({
    keeper: manager,
    platform,
    version,
    loaded: loadedOf(models).map(({ library, loaded }) => ({
      name: library.name,
      contextLength: loaded?.context_length ?? null,
      trained: library.contextLength,
    })),
    settings: keeper?.settings ?? null,
  });
  return {
    ...nothing,
    ...inMemory(models),
    ownership: 'adopted',
    state: 'adopted',
    since: iso(seen.sinceMs),
    sentence: `The Ollama at ${url} is used as it is; Ranch Hand neither starts nor stops it.`,
    version,
    foundAt: url,
    pid: keeper?.pid ?? null,
    readyAt: iso(seen.sinceMs),
    url,
    manager,
    advice,
  };
}

function owned({ owned: ours, beside, refused }: Extract<OllamaMode, { kind: 'owned' }>, facts: OllamaFacts): Own {
  const { endpoint } = ours;
  const supervised = snapshotOf(ours.record);
  const drains = facts.draining && supervised.state === 'ready';
  const presence = endpoint?.watch.presence;
  const version = presence?.kind === 'present' ? presence.version : null;
  const models = endpoint?.watch.models ?? [];
  const { pid } = supervised;
  return {
    ...nothing,
    ...supervised,
    ...(drains && { state: 'draining', sentence: 'Ollama finishes its answers, then it restarts.' }),
    ...inMemory(models),
    ownership: 'owned',
    version,
    foundAt: ours.program,
    url: supervised.state === 'ready' && endpoint ? urlOf(endpoint.address) : null,
    manager: 'ranch-hand',
    advice: [...besideAdvice(beside), ...refused.map((sentence) => ({ sentence, lines: [] })), ...versionNote(version)],
    processes: pid === null ? [] : [{ pid, model: null, state: supervised.state, memoryBytes: null }],
  };
}

function besideAdvice(beside: string | null): Advice[] {
  if (beside === null) return [];
  const sentence = `Another Ollama answers at ${beside} now. Ours goes on; at its next start the node uses that one instead.`;
  return [{ sentence, lines: ['ranch-hand stop', 'ranch-hand start'] }];
}

function versionNote(version: string | null): Advice[] {
  if (version === null || judgeVersion(version) === 'fine') return [];
  return [{ sentence: `This Ollama tells no version. Make sure that it is ${oldestVersion} or newer.`, lines: [] }];
}

function loadedOf(models: readonly WatchedModel[]): readonly WatchedModel[] {
  return models.filter(({ loaded }) => loaded !== null);
}

function inMemory(models: readonly WatchedModel[]): Pick<EngineSnapshot, 'model' | 'memoryBytes'> {
  const loaded = loadedOf(models);
  return {
    model: loaded[0]?.library.name ?? null,
    memoryBytes: loaded.reduce((sum, { loaded: ps }) => sum + (ps?.size ?? 0), 0),
  };
}
