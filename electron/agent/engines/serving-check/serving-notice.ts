import type { Notice } from '../../../contract/snapshot.ts';
import type { CheckedModel } from './evidence.ts';
import type { Finding } from './rules.ts';

/** A finding as the operator sees it, with what mends it. `since`: ISO 8601. */
export function noticeOf(finding: Finding, model: CheckedModel, since: string): Notice {
  const { engineId, modelId } = model;
  return {
    id: `serving-${finding.kind}-${engineId}-${modelId}`,
    severity: 'warning',
    sentence: finding.sentence,
    since,
    fix: fixOf(finding, model),
  };
}

const seeHowItRuns: Notice['fix'] = { kind: 'terminal', label: 'See how it runs', line: 'ranch-hand engines' };

/** The window that agents need at least; most models of today can take it. */
const goodWindow = 16_384;

function fixOf({ kind }: Finding, model: CheckedModel): Notice['fix'] {
  switch (kind) {
    case 'window':
      return windowFix(model);
    case 'template':
      return { kind: 'terminal', label: 'Show the models that are here', line: 'ranch-hand models' };
    case 'quantization':
      return {
        kind: 'command',
        label: 'Use it in Q4_K_M',
        command: 'models.use',
        body: { model: model.modelId, quantization: 'Q4_K_M' },
      };
    case 'cap':
    case 'cache':
    case 'slow':
      return restartFix(model);
  }
}

function windowFix(model: CheckedModel): Notice['fix'] {
  // Our settings are nothing to one that somebody else started; how it is run stands beside its engine.
  if (!model.owned) return seeHowItRuns;
  const length = Math.min(goodWindow, model.trainedContextLength ?? goodWindow);
  const key = settingOf[model.engineKind];
  return {
    kind: 'terminal',
    label: 'Set it for the next start',
    line: `ranch-hand settings set ${key} ${length}`,
  };
}

const settingOf: Readonly<Record<CheckedModel['engineKind'], string>> = {
  embedded: 'engines.embedded.contextLength',
  ollama: 'engines.ollama.contextLength',
  'llama-server': 'engines.llamaServer.contextLength',
  bitnet: 'engines.bitnet.contextLength',
};

/** One of someone else's is theirs to restart. */
function restartFix({ engineId, owned }: CheckedModel): Notice['fix'] {
  return owned
    ? { kind: 'command', label: 'Restart the engine', command: 'engines.restart', body: { id: engineId } }
    : seeHowItRuns;
}
