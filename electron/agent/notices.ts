import { gigabytes } from './models/sizes.ts';
import type { EngineSnapshot, ModelSnapshot, Notice, PullSnapshot, SwitchSnapshot } from '../contract/snapshot.ts';

/** What notices are made from. */
export interface NoticeFacts {
  readonly startedAt: string;
  readonly settingsWarnings: readonly string[];
  readonly engines: readonly EngineSnapshot[];
  readonly models: readonly ModelSnapshot[];
  readonly pulls: readonly PullSnapshot[];
  readonly switching: SwitchSnapshot | null;
  /** Of the disk with the models folder: what is free, what a pull leaves free, and since when it is short; or null. */
  readonly disk: { readonly freeBytes: number; readonly reserveBytes: number; readonly since: string } | null;
  /** Found by looking at the answers of loaded models. */
  readonly serving: readonly Notice[];
}

/** What needs the operator, worst first, each with a way to mend it. Pure. */
export function noticesFrom(facts: NoticeFacts): Notice[] {
  const all = [
    ...facts.engines.flatMap(engineNotices),
    ...stoppedNotices(facts.engines),
    ...switchNotices(facts.switching),
    ...facts.pulls.flatMap(pullNotices),
    ...diskNotices(facts.disk),
    ...facts.serving,
    ...modelNotices(facts),
    ...facts.engines.flatMap(adviceNotices),
    ...settingsNotices(facts),
  ];
  return all.sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

const severities: readonly Notice['severity'][] = ['problem', 'warning', 'info'];

function engineNotices(engine: EngineSnapshot): Notice[] {
  switch (engine.state) {
    case 'failed':
    case 'conflict':
      return [
        {
          id: `engine-${engine.id}-${engine.state}`,
          severity: 'problem',
          sentence: engine.sentence,
          since: engine.since,
          fix: { kind: 'command', label: 'Start it again', command: 'engines.start', body: { id: engine.id } },
        },
      ];
    case 'backoff':
      return [
        {
          id: `engine-${engine.id}-backoff`,
          severity: 'warning',
          sentence: engine.sentence,
          since: engine.since,
          fix: null,
        },
      ];
    case 'stopped':
    case 'absent':
    case 'starting':
    case 'loading':
    case 'ready':
    case 'draining':
    case 'stopping':
    case 'adopted':
      return [];
  }
}

/** One that is stopped is told only when it leaves nobody to answer: others stand by and are no worry. */
function stoppedNotices(engines: readonly EngineSnapshot[]): Notice[] {
  if (engines.some(({ state }) => state !== 'stopped' && state !== 'absent')) return [];
  return engines
    .filter(({ state }) => state === 'stopped')
    .slice(0, 1)
    .map(({ id, sentence, since }) => ({
      id: `engine-${id}-stopped`,
      severity: 'info',
      sentence,
      since,
      fix: { kind: 'command', label: 'Start it', command: 'engines.start', body: { id } },
    }));
}

/** What would make an engine better and is the operator's to do. */
function adviceNotices({ id, since, advice }: EngineSnapshot): Notice[] {
  return advice.map(({ sentence, lines }, index) => ({
    id: `engine-${id}-advice-${index}`,
    severity: 'info',
    sentence,
    since,
    fix: adviceFix(lines),
  }));
}

/** One line to copy, where the steps are commands alone; else where they stand one by one. */
function adviceFix(lines: readonly string[]): Notice['fix'] {
  if (lines.length === 0) return null;
  return lines.every(isCommand)
    ? { kind: 'terminal', label: 'Command', line: lines.join(' && ') }
    : { kind: 'terminal', label: 'See the steps', line: 'ranch-hand engines' };
}

/** Comments are for people, and the lines of a unit go into a file: a shell would choke on either. */
function isCommand(line: string): boolean {
  return !/^(?:#|\[|[A-Z][A-Za-z]*=)/.test(line);
}

/** A switch that was not made stays told until the next one. */
function switchNotices(switching: SwitchSnapshot | null): Notice[] {
  if (switching === null || (switching.phase !== 'failed' && switching.phase !== 'rolled-back')) return [];
  const { id, to, sentence, since } = switching;
  return [
    {
      id: `switch-${id}`,
      severity: 'warning',
      sentence,
      since,
      fix: { kind: 'command', label: 'Try it again', command: 'models.use', body: { model: to } },
    },
  ];
}

function pullNotices({ id, state, name, sentence, endedAt, startedAt }: PullSnapshot): Notice[] {
  if (state !== 'failed') return [];
  return [
    {
      id: `pull-${id}-failed`,
      severity: 'warning',
      sentence: `${name} could not be fetched: ${sentence}`,
      since: endedAt ?? startedAt,
      fix: { kind: 'command', label: 'Go on with it', command: 'models.resumePull', body: { id } },
    },
  ];
}

function diskNotices(disk: NoticeFacts['disk']): Notice[] {
  if (disk === null || disk.freeBytes >= disk.reserveBytes) return [];
  return [
    {
      id: 'disk-low',
      severity: 'warning',
      sentence: `The disk of the models has ${gigabytes(disk.freeBytes)} free, and ${gigabytes(disk.reserveBytes)} are to stay free: no model is fetched until there is room. Remove a model that is not needed.`,
      since: disk.since,
      fix: { kind: 'terminal', label: 'See the models', line: 'ranch-hand models' },
    },
  ];
}

function modelNotices(facts: NoticeFacts): Notice[] {
  const notices: Notice[] = facts.models
    .filter((model) => model.problem !== null)
    .map((model) => unusableNotice(model, facts.startedAt));
  if (facts.models.some((model) => model.isDefault && model.selfTest)) {
    notices.push({
      id: 'self-test-model',
      severity: 'warning',
      sentence:
        'This node answers with its self-test model, which says one sentence and knows nothing. Get a model in the panel, or put a GGUF file into the models folder, and it is used instead.',
      since: facts.startedAt,
      fix: { kind: 'terminal', label: 'Get a model', line: 'ranch-hand models pull NAME --use' },
    });
  }
  return [...notices, ...facts.models.flatMap((model) => fitNotices(model, facts.startedAt))];
}

/** Only of the model that is to answer: of others the list says it. */
function fitNotices({ id, isDefault, loaded, fit }: ModelSnapshot, since: string): Notice[] {
  if (!isDefault || loaded || fit?.verdict !== 'too-big') return [];
  const line = `ranch-hand models variants ${id}`;
  return [
    {
      id: `model-${id}-too-big`,
      severity: 'problem',
      sentence: fit.sentence,
      since,
      fix: { kind: 'terminal', label: 'See smaller quantizations', line },
    },
  ];
}

function unusableNotice({ id, name, path, problem }: ModelSnapshot, since: string): Notice {
  const sentence = problem ?? '';
  const common = { id: `model-${id}-unusable`, severity: 'warning', since } as const;
  // The catalog's sentence says itself which setting leads to the file: that is what has to be changed, not the file.
  if (sentence.startsWith('models.default ')) {
    const line = 'ranch-hand settings set models.default PATH';
    return { ...common, sentence, fix: { kind: 'terminal', label: 'Choose another model', line } };
  }
  return {
    ...common,
    sentence: `${name} cannot be used: ${sentence}`,
    fix: path === null ? null : { kind: 'path', label: 'The file', path },
  };
}

function settingsNotices(facts: NoticeFacts): Notice[] {
  return facts.settingsWarnings.map((sentence, index) => ({
    id: `settings-${index}`,
    severity: 'warning',
    sentence,
    since: facts.startedAt,
    fix: { kind: 'terminal', label: 'See all settings', line: 'ranch-hand settings' },
  }));
}
