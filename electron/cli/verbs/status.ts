import type { ControlClient, WatchEvent } from '../../client/control-client.ts';
import type { NodeSnapshot } from '../../contract/snapshot.ts';
import { exitCodes, screenColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { LiveFrame, type Render } from '../output/live-frame.ts';
import { makePalette, wantsColour, type Palette } from '../output/palette.ts';
import { line } from '../output/spans.ts';
import { statusLines } from '../output/status-view.ts';
import { safeJson, safeLine, wrap } from '../output/text.ts';
import { currentAddress, openSession, type Session } from '../session.ts';
import { stopOnSignals, type Stop } from '../stop.ts';

export interface StatusOptions extends CommonOptions {
  readonly watch?: boolean;
}

/** `ranch-hand status [--watch]` */
export async function status(context: CliContext, options: StatusOptions): Promise<ExitCode> {
  const session = await openSession(context, options);
  if (options.watch === true) return watchStatus(context, options, session);
  const snapshot = await session.client.snapshot();
  const { stdout } = context;
  if (options.json === true) stdout.write(`${safeJson(snapshot)}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, context.env));
    stdout.write(textOf(statusLines(snapshot, { columns: screenColumns(stdout), palette, nowMs: Date.now() })));
  }
  return exitCodes.done;
}

async function watchStatus(context: CliContext, options: StatusOptions, session: Session): Promise<ExitCode> {
  const stop = stopOnSignals();
  try {
    if (options.json === true) await watchJson(context, session, stop.signal);
    else if (context.stdout.isTTY) await watchScreen(context, session, stop);
    else await watchPlain(context, session, stop.signal);
    return exitCodes.done;
  } finally {
    stop.dispose();
  }
}

/** One document a line, each as `status --json`, with only those points of the history that are new since the last. */
async function watchJson(context: CliContext, session: Session, signal: AbortSignal): Promise<void> {
  let lastAt = -Infinity;
  await follow(session, signal, (event) => {
    if (event.kind === 'disconnected') {
      context.stderr.write(`${awayText(event, session.dataDir)}\n`);
      return;
    }
    const { history } = event.snapshot;
    const points = history.points.filter((point) => point.at > lastAt);
    lastAt = history.points.at(-1)?.at ?? lastAt;
    context.stdout.write(`${safeJson({ ...event.snapshot, history: { ...history, points } })}\n`);
  });
}

async function watchPlain(context: CliContext, session: Session, signal: AbortSignal): Promise<void> {
  const palette = makePalette(false);
  await follow(session, signal, (event) => {
    const lines =
      event.kind === 'disconnected'
        ? [awayText(event, session.dataDir)]
        : statusLines(event.snapshot, { columns: screenColumns(context.stdout), palette, nowMs: Date.now() });
    context.stdout.write(`${textOf(lines)}\n`);
  });
}

async function watchScreen(context: CliContext, session: Session, stop: Stop): Promise<void> {
  const palette = makePalette(wantsColour(true, context.env));
  const frame = new LiveFrame(context.stdout);
  const releaseKeys = leaveOnKeys(context.stdin, stop);
  let name = 'ranch-hand';
  frame.open();
  try {
    await follow(session, stop.signal, (event) => {
      if (event.kind === 'snapshot') name = safeLine(event.snapshot.node.name);
      frame.draw(
        event.kind === 'snapshot'
          ? pictureOf(event.snapshot, palette)
          : (columns) => awayLines(name, awayText(event, session.dataDir), columns, palette),
      );
    });
  } finally {
    releaseKeys();
    frame.close();
  }
}

/** Figures are left out while the agent is away: old ones would pass for true. */
function awayLines(name: string, text: string, columns: number, palette: Palette): string[] {
  const title = line([{ text: name, paint: palette.strong }, '  ', { text: '⊘ away', paint: palette.bad }], columns);
  return [title, ...wrap(text, columns), '', ...footLines(columns, palette)];
}

function pictureOf(snapshot: NodeSnapshot, palette: Palette): Render {
  return (columns, rows) => {
    const foot = footLines(columns, palette);
    const room = Math.max(1, rows - foot.length - 1);
    const body = statusLines(snapshot, { columns, rows: room, palette, nowMs: Date.now() }).slice(0, room);
    return [...body, '', ...foot];
  };
}

function footLines(columns: number, palette: Palette): string[] {
  return [line([{ text: 'Press q to leave. The node keeps running.', paint: palette.dim }], columns)];
}

function follow(session: Session, signal: AbortSignal, onEvent: (event: WatchEvent) => void): Promise<void> {
  const client: ControlClient = session.client;
  return client.watch(onEvent, signal, { reconnect: () => currentAddress(session.dataDir) });
}

function awayText(event: { readonly message: string }, dataDir: string): string {
  return `${safeLine(event.message)} Waiting for an agent to come back in ${safeLine(dataDir)}.`;
}

/** Keys are read one by one, so that none is echoed into the picture. The result gives the terminal back. */
function leaveOnKeys(stdin: NodeJS.ReadStream, stop: Stop): () => void {
  if (!stdin.isTTY) return () => undefined;
  const onKeys = (keys: Buffer): void => {
    // Without the terminal's own handling Ctrl-C and Ctrl-D arrive as plain bytes.
    if (/[qQ\u0003\u0004]/.test(keys.toString('latin1'))) stop.now();
  };
  stdin.setRawMode(true);
  stdin.on('data', onKeys);
  stdin.resume();
  return () => {
    stdin.off('data', onKeys);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

function textOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
