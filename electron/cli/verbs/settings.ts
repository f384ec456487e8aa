import { cwd } from 'node:process';
import { holdsAtOnce } from '../../contract/control.ts';
import { exitCodes, tableColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { settingsLines } from '../output/settings-view.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { openSession } from '../session.ts';
import { settingText } from '../setting-text.ts';

/** `ranch-hand settings` */
export async function settings(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const answer = await client.query('settings', {});
  const { stdout } = context;
  if (options.json === true) stdout.write(`${safeJson(answer)}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, context.env));
    const lines = settingsLines(answer.rows, tableColumns(stdout), palette);
    stdout.write(`${lines.join('\n')}\n`);
  }
  return exitCodes.done;
}

/** `ranch-hand settings set section.key VALUE`: the agent finds the value that the text means for this setting. */
export async function settingsSet(
  context: CliContext,
  options: CommonOptions,
  key: string,
  typed: string,
): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const text = settingText(key, typed, cwd());
  const { sentence } = await client.command('settings.update', { key, text });
  const atOnce = holdsAtOnce(key);
  const takesEffect = atOnce ? 'now' : 'next start';
  const when = atOnce ? ' and holds from now on.' : '; it takes effect when the node starts again.';
  const done =
    options.json === true
      ? safeJson({ ok: true, key, text, takesEffect, ...(sentence !== undefined && { sentence }) })
      : safeLine(`${key} = ${text} is written to config.json${when}`);
  context.stdout.write(`${done}\n`);
  if (sentence !== undefined && options.json !== true) context.stdout.write(`${safeLine(sentence)}\n`);
  return exitCodes.done;
}
