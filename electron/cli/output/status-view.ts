import type { EngineSnapshot, ModelSnapshot, NodeSnapshot, Notice } from '../../contract/snapshot.ts';
import { activityLines } from './activity-view.ts';
import { budgetPaint, hindrance, isSpendingUnknown, scopeText, todayText } from './cloud-words.ts';
import { bytes, bytesOf, count, counted, meter, percent, span, sparkline, speed, took } from './figures.ts';
import { spentOf, usedShare } from './money.ts';
import { momentToCome, shortMoment } from './moments.ts';
import type { Palette } from './palette.ts';
import { pullProgress, switchHasEnded, switchProgress } from './pull-view.ts';
import { dotted, labelled, line } from './spans.ts';
import { enginePaint, nodePaint, nodeShape, noticeMark, noticePaint } from './states.ts';
import type { Cell } from './table.ts';
import { cellWidth, safeLine, wrap } from './text.ts';

export interface StatusFrame {
  readonly columns: number;
  /** Lines of the screen; the last requests take what is left of them. Absent: eight requests. */
  readonly rows?: number;
  readonly palette: Palette;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

const usualRequests = 8;
const meterCells = 20;
/** More budgets than this are left to `ranch-hand offload`. */
const mostBudgets = 3;

/** The node at a glance: who, in what state, doing what, how fast, with what left, and what needs the operator. */
export function statusLines(snapshot: NodeSnapshot, frame: StatusFrame): string[] {
  const head = [
    ...headLines(snapshot, frame),
    '',
    ...engineLines(snapshot, frame),
    ...modelLines(snapshot, frame),
    ...onTheWayLines(snapshot, frame),
    ...figureLines(snapshot, frame),
    ...noticeLines(snapshot.notices, frame),
  ];
  // Two lines: the blank one and the table's head.
  const room = frame.rows === undefined ? usualRequests : Math.max(0, frame.rows - head.length - 2);
  return [...head, ...activityLines(snapshot.activity.slice(0, room), frame.columns, frame.palette)];
}

function headLines({ node }: NodeSnapshot, { columns, palette, nowMs }: StatusFrame): string[] {
  const name = safeLine(node.name);
  const state = `${nodeShape(node.state)} ${node.state}`;
  const about = `ranch-hand ${safeLine(node.version)} · up ${span(nowMs - Date.parse(node.startedAt))}`;
  const blanks = Math.max(2, columns - cellWidth(name) - 2 - cellWidth(state) - cellWidth(about));
  const title = line(
    [
      { text: name, paint: palette.strong },
      '  ',
      { text: state, paint: nodePaint(node.state, palette) },
      ' '.repeat(blanks),
      { text: about, paint: palette.dim },
    ],
    columns,
  );
  return [title, ...wrap(safeLine(node.sentence), columns)];
}

function engineLines({ engines }: NodeSnapshot, frame: StatusFrame): string[] {
  // One that is not installed, or stands by, is told by `ranch-hand engines`.
  const inUse = engines.filter(
    ({ state, lastExit }) => state !== 'absent' && (state !== 'stopped' || lastExit !== null),
  );
  const shown = inUse.length > 0 ? inUse : engines;
  if (shown.length === 0) return [labelled('Engine', ['none'], frame.palette, frame.columns)];
  return shown.flatMap((engine) => engineLine(engine, frame));
}

function engineLine(engine: EngineSnapshot, { columns, palette, nowMs }: StatusFrame): string[] {
  const { slots } = engine;
  const rest = dotted([
    `for ${span(nowMs - Date.parse(engine.since))}`,
    slots.total > 0 ? `${slots.busy} of ${counted(slots.total, 'slot')} busy` : null,
    engine.memoryBytes === null ? null : bytes(engine.memoryBytes),
    engine.restarts === 0 ? null : counted(engine.restarts, 'restart'),
  ]);
  const state = { text: engine.state, paint: enginePaint(engine.state, palette) };
  const main = labelled('Engine', [`${safeLine(engine.id)}  `, state, ` ${rest}`], palette, columns);
  if (engine.state === 'ready' || engine.state === 'adopted') return [main];
  return [main, ...wrap(safeLine(engine.sentence), columns - 12).map((text) => labelled('', [text], palette, columns))];
}

function modelLines({ models }: NodeSnapshot, { columns, palette }: StatusFrame): string[] {
  const loaded = models.filter((model) => model.loaded);
  const shown = loaded.length > 0 ? loaded : models.filter((model) => model.isDefault);
  if (shown.length === 0) return [labelled('Model', ['none'], palette, columns)];
  return shown.map((model) => labelled('Model', [modelText(model)], palette, columns));
}

/** A switch or pulls under way. */
function onTheWayLines({ switching, pulls }: NodeSnapshot, { columns, palette }: StatusFrame): string[] {
  const running = pulls.filter(({ state }) => state === 'running' || state === 'verifying');
  return [
    ...(switching === null || switchHasEnded(switching)
      ? []
      : [labelled('Switch', [switchProgress(switching)], palette, columns)]),
    ...running.map((pull) => labelled('Pull', [`${safeLine(pull.name)}  ${pullProgress(pull)}`], palette, columns)),
  ];
}

function modelText(model: ModelSnapshot): string {
  return dotted([
    safeLine(model.id),
    model.quantization === null ? null : safeLine(model.quantization),
    bytes(model.sizeBytes),
    model.contextLength === null ? null : `context ${count(model.contextLength)}`,
    model.selfTest ? 'self-test only' : null,
    model.loaded ? null : 'not loaded',
  ]);
}

function figureLines(snapshot: NodeSnapshot, frame: StatusFrame): string[] {
  const { columns, palette } = frame;
  const { gateway, system, cloud, mesh, history } = snapshot;
  const { memory } = system;
  const bar = (fraction: number): { text: string; paint: Palette['accent'] } => ({
    text: meter(fraction, meterCells),
    paint: fraction >= 0.9 ? palette.bad : fraction >= 0.7 ? palette.attention : palette.good,
  });
  const row = (label: string, spans: readonly Cell[]): string => labelled(label, spans, palette, columns);
  const speeds = history.points.map((point) => point.tokensPerSecond);
  const load = system.loadAverage?.map((value) => value.toFixed(2)).join(' ');
  const lines = [
    row('Speed', [
      { text: figure(`${speed(gateway.tokensPerSecond)} tok/s`), paint: palette.strong },
      { text: sparkline(speeds, meterCells).padEnd(meterCells), paint: palette.accent },
      `  first token ${took(gateway.ttftMs)}`,
    ]),
    row('CPU', [
      figure(percent(system.cpuPercent)),
      bar(system.cpuPercent / 100),
      `  ${dotted([counted(system.perCore.length, 'core'), load === undefined ? null : `load ${load}`])}`,
    ]),
    row('RAM', [
      figure(bytesOf(memory.usedBytes, memory.totalBytes)),
      bar(memory.totalBytes > 0 ? memory.usedBytes / memory.totalBytes : 0),
      `  engines ${bytes(memory.engineBytes)} · free ${bytes(memory.availableBytes)}`,
    ]),
    ...pressureLine(system.pressure, row),
    row('Saturation', [figure(percent(gateway.saturation * 100)), bar(gateway.saturation), `  ${gateway.level}`]),
    ...saturationCause(snapshot, columns).map((text) => row('', [text])),
    row('Requests', [
      figure(`${gateway.inFlight} running`),
      `${gateway.queued} waiting · ${count(gateway.requestsTotal)} so far · ${count(gateway.failuresTotal)} failed`,
    ]),
    ...cloudLines(cloud, frame, row),
    row('Gateway', [safeLine(gateway.url)]),
    ...availabilityLine(snapshot.node, row),
  ];
  if (mesh.peers.length > 0) {
    lines.push(row('Peers', [dotted(mesh.peers.map((peer) => safeLine(`${peer.name} ${peer.state}`)))]));
  }
  return lines;
}

/** A figure in front of a bar. */
const figure = (text: string): string => text.padEnd(16);

function availabilityLine(
  { availability: { day, week, month } }: NodeSnapshot['node'],
  row: (label: string, spans: readonly Cell[]) => string,
): string[] {
  const figure = (value: number | null, span: string): string | null =>
    value === null ? null : `${(100 * value).toFixed(2)} % of ${span}`;
  const figures = dotted([figure(day, '24 h'), figure(week, '7 days'), figure(month, '30 days')]);
  return figures === '' ? [] : [row('Ready', [figures])];
}

/** What fills the node most, from where that matters; nothing where the sentence at the top says it already. */
function saturationCause({ node, gateway: { level, saturationCause } }: NodeSnapshot, columns: number): string[] {
  const cause = safeLine(saturationCause);
  return level === 'calm' || cause === '' || node.sentence.includes(saturationCause) ? [] : wrap(cause, columns - 12);
}

/** Only where the system keeps it, and only while something waits: zeros say nothing. */
function pressureLine(
  pressure: NodeSnapshot['system']['pressure'],
  row: (label: string, spans: readonly Cell[]) => string,
): string[] {
  if (pressure === null || Math.max(pressure.cpu, pressure.memory, pressure.io) < 1) return [];
  const { cpu, memory, io } = pressure;
  return [row('Waiting for', [`CPU ${percent(cpu)} · memory ${percent(memory)} · disk ${percent(io)} of the time`])];
}

/** The switch with today's money; why nothing is sent, if so; and the budgets of which something is gone. */
function cloudLines(
  cloud: NodeSnapshot['cloud'],
  { columns, palette, nowMs }: StatusFrame,
  row: (label: string, spans: readonly Cell[]) => string,
): string[] {
  const inUse = cloud.offload !== 'off' || (cloud.today?.spentUsd ?? 0) > 0;
  const against = hindrance(cloud, nowMs);
  const used = cloud.budgets.filter(({ spent, reserved }) => spent + reserved > 0);
  return [
    row('Offload', [
      dotted([
        cloud.offload,
        isSpendingUnknown(cloud) ? 'what was spent today is not known' : inUse ? todayText(cloud) : null,
        cloud.until === null ? null : `until ${momentToCome(cloud.until, nowMs)}`,
      ]),
    ]),
    ...(against === null ? [] : wrap(against, columns - 12).map((text) => row('', [text]))),
    ...used
      .slice(0, mostBudgets)
      .map((budget) =>
        row('Budget', [
          figure(spentOf(budget)),
          { text: meter(usedShare(budget), meterCells), paint: budgetPaint(budget.state, palette) },
          `  ${dotted([`${scopeText(budget.scope)} per ${safeLine(budget.period)}`, `resets ${shortMoment(budget.resetsAt, nowMs)}`])}`,
        ]),
      ),
    ...(used.length > mostBudgets ? [row('', [`${used.length - mostBudgets} more: ranch-hand offload`])] : []),
  ];
}

function noticeLines(notices: readonly Notice[], { columns, palette }: StatusFrame): string[] {
  if (notices.length === 0) return [];
  return ['', ...notices.flatMap((notice) => oneNotice(notice, columns, palette))];
}

function oneNotice(notice: Notice, columns: number, palette: Palette): string[] {
  const paint = noticePaint(notice.severity, palette);
  const sentence = wrap(safeLine(notice.sentence), columns - 2).map((text, index) =>
    line([{ text: index === 0 ? `${noticeMark(notice.severity)} ` : '  ', paint }, text], columns),
  );
  return [...sentence, ...wrap(fixText(notice), columns - 2).map((text) => line(['  ', text], columns))];
}

/** What the operator can do about it from a terminal. */
function fixText({ fix }: Notice): string {
  if (fix === null) return '';
  switch (fix.kind) {
    case 'terminal':
      return safeLine(`${fix.label}: ${fix.line}`);
    case 'path':
      return safeLine(`${fix.label}: ${fix.path}`);
    case 'command':
      return safeLine(`${fix.label}: in the panel (ranch-hand panel).`);
  }
}
