import type { EngineSnapshot, ModelSnapshot, Notice } from '../contract/snapshot.ts';

/** What notices are made from. */
export interface NoticeFacts {
  readonly startedAt: string;
  readonly modelsDir: string;
  readonly settingsWarnings: readonly string[];
  readonly engines: readonly EngineSnapshot[];
  readonly models: readonly ModelSnapshot[];
}

/** What needs the operator, worst first, each with a way to mend it. Pure. */
export function noticesFrom(facts: NoticeFacts): Notice[] {
  return [...facts.engines.flatMap(engineNotices), ...modelNotices(facts), ...settingsNotices(facts)];
}

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
      return [
        {
          id: `engine-${engine.id}-stopped`,
          severity: 'info',
          sentence: engine.sentence,
          since: engine.since,
          fix: { kind: 'command', label: 'Start it', command: 'engines.start', body: { id: engine.id } },
        },
      ];
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

function modelNotices(facts: NoticeFacts): Notice[] {
  const notices: Notice[] = facts.models
    .filter((model) => model.problem !== null)
    .map((model) => unusableNotice(model, facts.startedAt));
  if (facts.models.some((model) => model.isDefault && model.selfTest)) {
    notices.push({
      id: 'self-test-model',
      severity: 'warning',
      sentence:
        'This node answers with its self-test model, which says one sentence and knows nothing. Put a GGUF file into the models folder, or start with --set models.default=PATH, and it is used instead.',
      since: facts.startedAt,
      fix: { kind: 'path', label: 'Models folder', path: facts.modelsDir },
    });
  }
  return notices;
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
