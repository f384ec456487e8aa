import { exitCodes, tableColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { flatSettings, parseSettingValue, settingsLines } from '../output/settings-view.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { openSession } from '../session.ts';

/** `ranch-hand settings` */
export async function settings(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const answer = await client.query('settings', {});
  const { stdout } = context;
  if (options.json === true) stdout.write(`${safeJson(answer.settings)}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, context.env));
    const lines = settingsLines(flatSettings(answer.settings), tableColumns(stdout), palette);
    stdout.write(`${lines.join('\n')}\n`);
  }
  return exitCodes.done;
}

/** `ranch-hand settings set section.key VALUE` */
export async function settingsSet(
  context: CliContext,
  options: CommonOptions,
  key: string,
  text: string,
): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const value = parseSettingValue(text);
  await client.command('settings.update', { key, value });
  const done = options.json === true ? safeJson({ ok: true, key, value }) : safeLine(`${key} is now ${text}.`);
  context.stdout.write(`${done}\n`);
  return exitCodes.done;
}
