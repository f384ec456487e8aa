import { exitCodes, tableColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { enginesLines } from '../output/engines-view.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { openSession } from '../session.ts';

/** `ranch-hand engines` */
export async function engines(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const { engines: all } = await client.snapshot();
  const { stdout } = context;
  if (options.json === true) stdout.write(`${safeJson(all)}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, context.env));
    stdout.write(`${enginesLines(all, Date.now(), tableColumns(stdout), palette).join('\n')}\n`);
  }
  return exitCodes.done;
}

export type EngineAction = 'start' | 'stop' | 'restart';

const told: Readonly<Record<EngineAction, string>> = {
  start: 'was asked to start.',
  stop: 'was asked to stop.',
  restart: 'was asked to restart.',
};

/** `ranch-hand engines start|stop|restart ID` */
export async function engineCommand(
  context: CliContext,
  options: CommonOptions,
  action: EngineAction,
  id: string,
): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  await client.command(`engines.${action}`, { id });
  const done =
    options.json === true
      ? safeJson({ ok: true, engine: id, action })
      : `The engine ${safeLine(id)} ${told[action]} See how it goes with: ranch-hand engines`;
  context.stdout.write(`${done}\n`);
  return exitCodes.done;
}
