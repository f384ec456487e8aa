import type { EngineSnapshot } from '../../../contract/snapshot.ts';
import { assertNever } from '../../base/errors.ts';
import type { EngineModel } from '../engine.ts';
import { snapshotOf } from '../engine-snapshot.ts';
import type { AdoptedOllama } from './adopted-ollama.ts';
import { urlOf } from './address.ts';
import { adviceFor, type Advice } from './advice.ts';
import { shortName } from './library-model.ts';
import { slotsOf, type OllamaMode } from './ollama-mode.ts';
import type { WatchedModel } from './ollama-watch.ts';
import { judgeVersion, oldestVersion } from './version.ts';

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

/** One of its models as every surface shows it; `slots` are those of a model in memory. */
export function modelOf(
  { row, library, loaded }: WatchedModel,
  facts: Pick<EngineModel, 'state' | 'slots' | 'lastUsedMs'>,
): EngineModel {
  return {
    id: shortName(row.name),
    path: null,
    library,
    digest: /^[0-9a-f]{64}$/.test(row.digest) ? `sha256:${row.digest}` : null,
    state: facts.state,
    progress: null,
    contextLength: loaded?.context_length ?? null,
    slots: loaded ? facts.slots : 0,
    memoryBytes: loaded ? loaded.size : null,
    lastUsedMs: facts.lastUsedMs,
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
  const sentence = `Another Ollama answers at ${beside} now. Ours goes on; stopped and started again, it gives way to that one.`;
  return [{ sentence, lines: ['ranch-hand engines stop ollama', 'ranch-hand engines start ollama'] }];
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
