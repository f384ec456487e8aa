import { setAsideUsd } from '../../contract/set-aside.ts';
import type { Trace, TraceAttempt, TraceCandidate } from '../../contract/trace.ts';
import { count, counted, percent, speed, took, unknownFigure } from './figures.ts';
import { dollars } from './money.ts';
import type { Palette } from './palette.ts';
import { dotted, labelled } from './spans.ts';
import { table, type Cell, type Column } from './table.ts';
import { safeLine, wrap } from './text.ts';
import { statePaint, stateText } from './traces-view.ts';

interface Screen {
  readonly columns: number;
  readonly palette: Palette;
}

const candidateHeads: readonly Column[] = [
  { title: '' },
  { title: 'Upstream', shrinkTo: 8 },
  { title: 'Model', shrinkTo: 10 },
  { title: 'Where' },
  { title: 'Wait', align: 'right' },
  { title: 'Load', align: 'right' },
  { title: 'Cached', align: 'right' },
  { title: 'Prompt', align: 'right' },
  { title: 'First token', align: 'right' },
  { title: 'Holds slot', align: 'right' },
  { title: 'At most', align: 'right' },
];

/** One decision as an account: what was asked, who could have answered and how well, what was tried, what came of it. */
export function traceLines(trace: Trace, screen: Screen): string[] {
  return [...head(trace, screen), ...asked(trace, screen), ...considered(trace, screen), ...ended(trace, screen)];
}

function head(trace: Trace, { palette }: Screen): string[] {
  const state = statePaint(trace.state, palette)(stateText(trace));
  const status = trace.status === null ? null : `HTTP ${trace.status}`;
  return [
    `${palette.strong(`Trace ${safeLine(trace.trace)}`)}  ${state}  ${dotted([status, took(trace.durationMs), safeLine(trace.at)])}`,
    '',
  ];
}

function asked(trace: Trace, screen: Screen): string[] {
  const { persona, session, promptRules, ignored, needs, saturation, level, cause } = trace;
  const who = trace.key === null ? 'a program without a key' : `the key ${safeLine(trace.key)}`;
  const what = trace.stream ? `${trace.operation}, streamed` : trace.operation;
  const farthest = { local: 'this node only', ranch: 'no further than the ranch', cloud: null }[trace.ceiling];
  return [
    ...row('Asked by', `${who}, from ${safeLine(trace.from)}`, screen),
    ...row('For', dotted([modelText(trace), what, `${trace.dialect} ${safeLine(trace.surface)}`]), screen),
    ...row('Terms', dotted([`priority ${trace.priority}`, farthest, needsText(needs)]), screen),
    ...(persona === null ? [] : row('Persona', safeLine(persona), screen)),
    ...(session === null ? [] : row('Chat', safeLine(session), screen)),
    ...list('Evened out', promptRules, screen),
    ...list('Dropped', ignored, screen),
    ...row('Node', dotted([`${percent(saturation * 100)} full`, safeLine(level), safeLine(cause)]), screen),
  ];
}

const modelText = ({ requestedModel }: Trace): string =>
  requestedModel === '' ? 'no model by name' : safeLine(requestedModel);

function needsText(needs: readonly string[]): string | null {
  return needs.length === 0 ? null : `needs ${needs.map(safeLine).join(', ')}`;
}

function considered({ candidates, attempts }: Trace, { columns, palette }: Screen): string[] {
  if (candidates.length === 0) return ['', 'Nobody was considered: it was refused before.'];
  const planned = candidates.filter(({ verdict }) => verdict === 'planned');
  const rejected = candidates.filter(({ verdict }) => verdict === 'rejected');
  const marked: (readonly [string, TraceCandidate])[] = [
    ...planned.map((candidate, index) => [String(index + 1), candidate] as const),
    ...rejected.map((candidate) => ['×', candidate] as const),
  ];
  const rows = marked.map(([mark, candidate]) => candidateCells(mark, candidate, palette));
  const reasons = marked.flatMap(([mark, candidate]) => reasonLines(mark, candidate, { columns, palette }));
  return [
    '',
    ...table(candidateHeads, rows, { columns, head: palette.dim }),
    '',
    ...reasons,
    ...(attempts.length === 0 ? [] : ['', ...attempts.flatMap((each) => attemptLine(each, { columns, palette }))]),
  ];
}

function candidateCells(
  mark: string,
  { upstream, model, route, verdict, estimate }: TraceCandidate,
  palette: Palette,
): Cell[] {
  const paint = verdict === 'planned' ? palette.good : palette.dim;
  const figure = (value: number | undefined): string => took(value ?? null);
  return [
    { text: mark, paint },
    { text: safeLine(upstream), paint },
    safeLine(model ?? unknownFigure),
    route,
    figure(estimate?.waitMs),
    figure(estimate?.loadMs),
    estimate === null ? unknownFigure : `${count(estimate.cachedTokens)}/${count(estimate.promptTokens)}`,
    figure(estimate?.prefillMs),
    figure(estimate?.ttftMs),
    figure(estimate?.serviceMs),
    estimate === null ? unknownFigure : money(estimate.worstUsd),
  ];
}

function reasonLines(mark: string, { upstream, reason, sentence, estimate }: TraceCandidate, screen: Screen): string[] {
  const why = `${safeLine(upstream)}, ${safeLine(reason)}: ${safeLine(sentence)}${lostText(estimate)}`;
  return wrap(why, screen.columns - 3).map((piece, index) =>
    index === 0 ? `${mark.padEnd(3)}${piece}` : `   ${screen.palette.dim(piece)}`,
  );
}

function lostText(estimate: TraceCandidate['estimate']): string {
  if (estimate === null || estimate.lostCacheTokens === 0) return '';
  return ` (${counted(estimate.lostCacheTokens, 'token')} cached elsewhere would be read again.)`;
}

function attemptLine({ upstream, model, atMs, outcome, error }: TraceAttempt, screen: Screen): string[] {
  const what = error === null ? outcome : `${outcome} with ${safeLine(error)}`;
  return row(`after ${took(atMs)}`, `${safeLine(upstream)} (${safeLine(model)}) ${what}`, screen);
}

function ended(trace: Trace, screen: Screen): string[] {
  const { route, upstream, model, reason, translatedFrom, retryAfterS, error } = trace;
  const who = upstream === null ? 'nobody' : `${safeLine(upstream)}, ${safeLine(model ?? unknownFigure)}`;
  const passed = translatedFrom === null ? null : `translated from the ${translatedFrom} dialect`;
  return [
    '',
    ...row('Answered by', dotted([who, route === 'none' ? null : route, safeLine(reason), passed]), screen),
    ...(error === null ? [] : row('Error', safeLine(error), screen)),
    ...(retryAfterS === null ? [] : row('Come back', `after ${retryAfterS} s, it was told`, screen)),
    ...row('Time', timeText(trace), screen),
    ...row('Tokens', tokensText(trace), screen),
    ...(trace.costUsd === 0 && route !== 'cloud' ? [] : row('Cost', costText(trace), screen)),
  ];
}

function timeText({ queuedMs, ttftMs, durationMs, tokensPerSecond, upstream, candidates }: Trace): string {
  const expected = candidates.find((each) => each.upstream === upstream && each.verdict === 'planned')?.estimate;
  const against = ttftMs === null || !expected ? '' : ` (${took(expected.ttftMs)} expected)`;
  return dotted([
    `${took(queuedMs)} in the queue`,
    ttftMs === null ? null : `first token after ${took(ttftMs)}${against}`,
    `over after ${took(durationMs)}`,
    tokensPerSecond === null ? null : `${speed(tokensPerSecond)} tok/s`,
  ]);
}

function tokensText(trace: Trace): string {
  const { promptTokens, cachedTokens, cacheWriteTokens, completionTokens, reasoningTokens } = trace;
  if (promptTokens === null && completionTokens === null) return 'none were told';
  const cached = cachedTokens === null ? '' : `, ${count(cachedTokens)} of them from the cache`;
  const written = cacheWriteTokens === null ? '' : `, ${count(cacheWriteTokens)} written to it`;
  const thought = reasoningTokens === null ? '' : `, ${count(reasoningTokens)} of them thinking`;
  return dotted([
    `${count(promptTokens)} in the prompt${cached}${written}`,
    `${count(completionTokens)} in the answer${thought}`,
  ]);
}

/** What it came to, beside what could have been the most, both over all tries. */
function costText(trace: Trace): string {
  const { costUsd } = trace;
  if (costUsd === 0) return 'nothing was billed';
  const worst = setAsideUsd(trace);
  return dotted([dollars(costUsd), worst === 0 ? null : `${dollars(worst)} at most was set aside`]);
}

function money(usd: number): string {
  return usd === 0 ? 'free' : dollars(usd);
}

function list(label: string, names: readonly string[], screen: Screen): string[] {
  return names.length === 0 ? [] : row(label, names.map(safeLine).join(', '), screen);
}

function row(label: string, text: string, { columns, palette }: Screen): string[] {
  return wrap(text, columns - 12).map((piece, index) => labelled(index === 0 ? label : '', [piece], palette, columns));
}
