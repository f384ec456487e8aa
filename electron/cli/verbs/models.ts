import { exitCodes, tableColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { modelsLines } from '../output/models-view.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { pullLines, switchHasEnded, switchProgress } from '../output/pull-view.ts';
import { safeJson } from '../output/text.ts';
import { openSession } from '../session.ts';

/** `ranch-hand models` */
export async function models(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const session = await openSession(context, options);
  const { models: all, pulls, switching } = await session.client.snapshot();
  const { stdout } = context;
  if (options.json === true) stdout.write(`${safeJson(all)}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, context.env));
    const onTheWay = pullLines(pulls, palette);
    const lines = [
      ...modelsLines(all, session.dataDir, tableColumns(stdout), palette),
      ...(switching === null || switchHasEnded(switching) ? [] : ['', switchProgress(switching)]),
      ...(onTheWay.length === 0 ? [] : ['', ...onTheWay]),
    ];
    stdout.write(`${lines.join('\n')}\n`);
  }
  return exitCodes.done;
}
