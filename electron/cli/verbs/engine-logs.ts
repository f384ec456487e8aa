import type { LogLine } from '../../contract/control.ts';
import { exitCodes, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { logText } from '../output/log-view.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { safeJson } from '../output/text.ts';
import { openSession } from '../session.ts';
import { stopOnSignals } from '../stop.ts';

export interface EngineLogsOptions extends CommonOptions {
  readonly follow?: boolean;
  readonly lines: number;
}

/** `ranch-hand engines logs ID [-f] [-n N]`. Following goes on until it is interrupted, which is its proper end. */
export async function engineLogs(context: CliContext, options: EngineLogsOptions, engine: string): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const { stdout } = context;
  const palette = makePalette(wantsColour(stdout.isTTY, context.env));
  const text = (entry: LogLine): string => (options.json === true ? safeJson(entry) : logText(entry, palette));
  if (options.follow !== true) {
    const { lines } = await client.query('logs', { engine, lines: options.lines });
    if (options.json === true) stdout.write(`${safeJson({ engine, lines })}\n`);
    else stdout.write(lines.map((entry) => `${text(entry)}\n`).join(''));
    return exitCodes.done;
  }
  const stop = stopOnSignals();
  try {
    await client.followLogs(engine, options.lines, (entry) => stdout.write(`${text(entry)}\n`), stop.signal);
  } finally {
    stop.dispose();
  }
  return exitCodes.done;
}
