import { quantizationWarning } from '../../models/quantization.ts';
import type { AgainProbe, AnswerEnd, CheckedModel, Evidence, LongProbe } from './evidence.ts';

export type FindingKind = 'window' | 'template' | 'cap' | 'cache' | 'quantization' | 'slow';

/** Something that ruins a model's answers without an error. `sentence`: what it is and what to do. */
export interface Finding {
  readonly kind: FindingKind;
  readonly sentence: string;
}

/** The engine's count may differ from ours by this much: marks of the template that are counted once or not at all. */
const countSlack = 0.03;
/** Below this share of the speed that was measured before, something is wrong; other programs rarely take that much. */
const slowShare = 0.5;
const leastSpeeds = 3;
const leastMeasurements = 3;
const leastCapped = 3;
/** Fewer shared tokens than this are not worth a cache's while. */
const leastShared = 32;
/** A prompt read again from the cache takes a small part of the first time; a first time below this tells nothing. */
const cachedShare = 0.6;
const leastFirstMs = 1_000;

/** Everything that is wrong by what is known so far. Pure. */
export function findingsOf(model: CheckedModel, evidence: Evidence): Finding[] {
  const sentences: readonly [FindingKind, string | null][] = [
    ['window', windowSentence(model, evidence.long)],
    ['template', templateSentence(model, evidence.again)],
    ['cap', capSentence(model, evidence)],
    ['cache', cacheSentence(model, evidence.again)],
    ['quantization', quantizationSentence(model)],
    ['slow', slowSentence(model, evidence)],
  ];
  return sentences.flatMap(([kind, sentence]) => (sentence === null ? [] : [{ kind, sentence }]));
}

/** Whether the engine read less of the long prompt than was sent. */
export function isTruncated(long: LongProbe | null): boolean {
  return (
    long?.kind === 'answered' &&
    long.promptTokens !== null &&
    long.promptTokens < long.expectedTokens * (1 - countSlack)
  );
}

function windowSentence(model: CheckedModel, long: LongProbe | null): string | null {
  const { name, contextLength, trainedContextLength } = model;
  if (long?.kind === 'answered' && isTruncated(long)) {
    const trained = trainedContextLength === null ? '' : ` The model can take ${tokens(trainedContextLength)}.`;
    return (
      `${name} silently cuts prompts: of ${tokens(long.expectedTokens)} it read ${tokens(long.promptTokens ?? 0)}.` +
      `${trained} Give it a longer context.`
    );
  }
  if (long?.kind !== 'refused' || contextLength === null) return null;
  const real = long.windowTokens ?? long.expectedTokens;
  if (real >= contextLength * (1 - countSlack)) return null;
  return (
    `${name} takes fewer than ${tokens(real + 1)}, and callers are told ${tokens(contextLength)}. ` +
    'Restart the engine with the context that it should have.'
  );
}

/** Marks of common chat templates: in an answer they are the sign of a template that is not the model's own. */
const templateMarks =
  /<\|im_(?:start|end)\|>|<(?:start|end)_of_turn>|\[\/?INST\]|<<\/?SYS>>|<\|(?:start|end)_header_id\|>|<\|eot_id\|>|<\|(?:user|assistant|system|end)\|>/;

function templateSentence(
  { name, hasChatTemplate, capabilities }: CheckedModel,
  again: AgainProbe | null,
): string | null {
  if (!capabilities.includes('chat')) return null;
  if (hasChatTemplate === false) {
    return `${name} has no chat template: it goes on with a text rather than answering it. Choose an instruct version.`;
  }
  const mark = templateMarks.exec(again?.text ?? '')?.[0];
  if (mark === undefined) return null;
  return `Answers of ${name} contain ${mark}, a mark of a chat template that is not its own. Choose another file of it.`;
}

function capSentence(model: CheckedModel, { again, ends }: Evidence): string | null {
  const cap = cappedProbe(model, again) ?? cappedAnswers(model, ends);
  if (cap === null) return null;
  return `Answers of ${model.name} end after ${tokens(cap)}, whatever callers allow. Lift the limit where the engine is started.`;
}

function cappedProbe(model: CheckedModel, again: AgainProbe | null): number | null {
  if (again?.finish !== 'length' || again.tokens === 0) return null;
  return hasRoom(model, again.promptTokens, again.tokens) ? again.tokens : null;
}

/** The same length again and again, short of what was allowed. */
function cappedAnswers(model: CheckedModel, ends: readonly AnswerEnd[]): number | null {
  const capped = ends.filter(
    ({ finish, maxTokens, promptTokens, completionTokens }) =>
      finish === 'length' &&
      completionTokens > 0 &&
      completionTokens < (maxTokens ?? Infinity) - 1 &&
      hasRoom(model, promptTokens, completionTokens),
  );
  const last = capped.at(-1)?.completionTokens;
  const alike = capped.filter(({ completionTokens }) => completionTokens === last);
  return last !== undefined && alike.length >= leastCapped ? last : null;
}

/** An answer that filled the window ended there and not at a cap. */
function hasRoom({ contextLength }: CheckedModel, promptTokens: number | null, completionTokens: number): boolean {
  if (contextLength === null) return true;
  return promptTokens !== null && promptTokens + completionTokens < contextLength * 0.9;
}

function cacheSentence({ name }: CheckedModel, again: AgainProbe | null): string | null {
  if (!again) return null;
  const { cachedTokens, promptTokens, firstTookMs, ttftMs } = again;
  const sentence = `${name} reads every prompt from its beginning again: nothing is reused from its cache. Restart the engine with its prompt cache on.`;
  if (cachedTokens !== null) {
    const shared = promptTokens ?? 0;
    return shared >= leastShared && cachedTokens < shared / 4 ? sentence : null;
  }
  if (firstTookMs === null || firstTookMs < leastFirstMs) return null;
  return ttftMs > firstTookMs * cachedShare ? sentence : null;
}

function quantizationSentence({ name, quantization, capabilities }: CheckedModel): string | null {
  if (quantization === null) return null;
  const embeds = capabilities.includes('embedding') && !capabilities.includes('chat');
  const warning = quantizationWarning(quantization, embeds ? 'embedding' : 'chat');
  if (warning === null) return null;
  const task = embeds ? 'embeddings' : isForWork(name, capabilities) ? 'tools and code' : null;
  return task === null ? null : `${name} is in ${quantization}, which is unfit for ${task}. ${warning}`;
}

/** In a chat a coarse model is merely worse; a tool call or a line of code that is nearly right is wrong. */
function isForWork(name: string, capabilities: CheckedModel['capabilities']): boolean {
  return capabilities.includes('tools') || /cod(?:er|e|ing)|starcoder|devstral/i.test(name);
}

function slowSentence({ name }: CheckedModel, { before, again, speeds }: Evidence): string | null {
  const usual = before?.tokensPerSecond ?? null;
  if (before === null || usual === null || before.count < leastMeasurements) return null;
  const probed = again?.tokensPerSecond ?? null;
  const latest = [...(probed === null ? [] : [probed]), ...speeds].slice(-leastSpeeds);
  if (latest.length < leastSpeeds || latest.some((speed) => speed >= usual * slowShare)) return null;
  const now = latest.reduce((sum, speed) => sum + speed, 0) / latest.length;
  return (
    `${name} writes ${now.toFixed(1)} tokens per second, and ${usual.toFixed(1)} before. ` +
    'Close what else keeps the machine busy, or restart the engine.'
  );
}

function tokens(count: number): string {
  return `${count.toLocaleString('en-US')} tokens`;
}
