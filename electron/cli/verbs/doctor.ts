import { exitCodes, screenColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { judge } from '../doctor/checks.ts';
import { gatherFacts } from '../doctor/gather.ts';
import { CliError } from '../failure.ts';
import { doctorLines } from '../output/doctor-view.ts';
import { counted } from '../output/figures.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { safeJson } from '../output/text.ts';
import { chosenDataDir } from '../session.ts';

/** `ranch-hand doctor`. Works without an agent, and fails (exit code 1) when any check found a problem. */
export async function doctor(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const checks = judge(await gatherFacts(context, chosenDataDir(context, options)));
  const { stdout } = context;
  const problems = checks.filter(({ verdict }) => verdict === 'problem').length;
  if (options.json === true) stdout.write(`${safeJson({ ok: problems === 0, checks })}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, context.env));
    stdout.write(`${doctorLines(checks, screenColumns(stdout), palette).join('\n')}\n`);
  }
  if (problems > 0) throw new CliError('problems_found', `The check found ${counted(problems, 'problem')}.`);
  return exitCodes.done;
}
