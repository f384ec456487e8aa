import type { ModelSnapshot } from '../../contract/snapshot.ts';
import { bytes, count, parameters, speed, unknownFigure } from './figures.ts';
import type { Palette } from './palette.ts';
import { dotted, labelled } from './spans.ts';
import { safeLine, wrap } from './text.ts';

/** All that is known of one model. */
export function modelDetailLines(model: ModelSnapshot, columns: number, palette: Palette): string[] {
  const row = (label: string, text: string): string[] =>
    wrap(text, columns - 12).map((piece, index) => labelled(index === 0 ? label : '', [piece], palette, columns));
  const { measured, fit } = model;
  return [
    palette.strong(safeLine(model.name)),
    ...(model.problem === null ? [] : row('Problem', safeLine(model.problem))),
    ...row('Id', safeLine(model.id)),
    ...row('State', dotted([stateOf(model), model.isDefault ? 'answers callers who name no model' : null])),
    ...row('Family', dotted([safeLine(model.family ?? unknownFigure), `${parameters(model.parameters)} weights`])),
    ...row('Quant', dotted([safeLine(model.quantization ?? unknownFigure), bytes(model.sizeBytes)])),
    ...row('Context', `${count(model.contextLength)} tokens`),
    ...row('Can', model.capabilities.join(', ') || unknownFigure),
    ...row('Engines', model.engines.map(safeLine).join(', ') || 'none here can load it'),
    ...row('Speed', measured === null ? 'not measured yet' : measuredText(measured)),
    ...(fit === null ? [] : row('Fit', safeLine(fit.sentence))),
    ...(fit === null
      ? []
      : row(
          'Memory',
          `${bytes(fit.weightsBytes)} weights + ${bytes(fit.kvBytes)} KV + ${bytes(fit.computeBytes)} compute + ${bytes(fit.headroomBytes)} spare = ${bytes(fit.neededBytes)}`,
        )),
    ...row('Last used', model.lastUsedAt === null ? 'never' : safeLine(model.lastUsedAt)),
    ...row('File', safeLine(model.path ?? 'in the library of its engine')),
    ...row('Came from', safeLine(model.origin ?? unknownFigure)),
    ...row('Digest', safeLine(model.digest ?? unknownFigure)),
  ];
}

function stateOf({ state, engineId, pinned }: ModelSnapshot): string {
  const where = engineId === null || state === 'idle' ? '' : ` on ${safeLine(engineId)}`;
  return `${state === 'idle' ? 'on disk' : state}${where}${pinned ? ', pinned' : ''}`;
}

function measuredText(measured: NonNullable<ModelSnapshot['measured']>): string {
  return dotted([
    `${speed(measured.tokensPerSecond)} tok/s`,
    `prefill ${speed(measured.prefillTokensPerSecond)} tok/s`,
    `from ${count(measured.count)} ${measured.count === 1 ? 'answer' : 'answers'} on ${safeLine(measured.engineId)}`,
  ]);
}
