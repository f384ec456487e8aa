import { exitCodes, tableColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { modelsLines } from '../output/models-view.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { safeJson } from '../output/text.ts';
import { openSession } from '../session.ts';

/** `ranch-hand models` */
export async function models(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const session = await openSession(context, options);
  const { models: all } = await session.client.snapshot();
  const { stdout } = context;
  if (options.json === true) stdout.write(`${safeJson(all)}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, context.env));
    stdout.write(`${modelsLines(all, session.dataDir, tableColumns(stdout), palette).join('\n')}\n`);
  }
  return exitCodes.done;
}
