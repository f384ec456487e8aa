import type { OffloadMode } from '../../contract/cloud.ts';
import { exitCodes, screenColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { wrongUsage } from '../failure.ts';
import { hindrance } from '../output/cloud-words.ts';
import { changedText, offloadLines } from '../output/offload-view.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { openSession } from '../session.ts';

export interface OffloadOptions extends CommonOptions {
  /** Milliseconds. */
  readonly for?: number;
}

/** `ranch-hand offload`: the switch, today's money and the budgets, as the node tells them. */
export async function offload(context: CliContext, options: OffloadOptions): Promise<ExitCode> {
  if (options.for !== undefined) throw wrongUsage('Say what for that long: off, auto or on.');
  const { client } = await openSession(context, options);
  const { cloud } = await client.snapshot();
  const { stdout, env } = context;
  if (options.json === true) stdout.write(`${safeJson(cloud)}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, env));
    const lines = offloadLines(cloud, { columns: screenColumns(stdout), palette, nowMs: Date.now() });
    stdout.write(`${lines.join('\n')}\n`);
  }
  return exitCodes.done;
}

/** `ranch-hand offload off|auto|on [--for 2h]` */
export async function offloadSet(context: CliContext, options: OffloadOptions, mode: OffloadMode): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const forMs = options.for;
  const nowMs = Date.now();
  const { sentence } = await client.command('offload.set', { mode, ...(forMs === undefined ? {} : { forMs }) });
  const until = forMs === undefined ? null : new Date(nowMs + forMs).toISOString();
  if (options.json === true) {
    context.stdout.write(
      `${safeJson({ ok: true, offload: mode, until, ...(sentence !== undefined && { sentence }) })}\n`,
    );
    return exitCodes.done;
  }
  const { cloud } = await client.snapshot();
  // The picture is drawn once a second, so that it may not have the change yet.
  const now = { ...cloud, offload: mode, until };
  const against = hindrance(now, nowMs);
  context.stdout.write(`${safeLine(sentence ?? changedText(now, nowMs))}\n`);
  if (against !== null) context.stdout.write(`${against}\n`);
  return exitCodes.done;
}

/** `ranch-hand offload resume` */
export async function offloadResume(context: CliContext, options: OffloadOptions): Promise<ExitCode> {
  if (options.for !== undefined) throw wrongUsage('Going on takes no time limit. Leave --for out.');
  const { client } = await openSession(context, options);
  const { sentence } = await client.command('offload.resume', {});
  context.stdout.write(
    options.json === true
      ? `${safeJson({ ok: true, ...(sentence !== undefined && { sentence }) })}\n`
      : `${safeLine(sentence ?? 'The pause is over. Requests may go to the cloud again, as the switch says.')}\n`,
  );
  return exitCodes.done;
}
