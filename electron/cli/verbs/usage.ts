import type { UsageGroup } from '../../contract/cloud.ts';
import { exitCodes, tableColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { wrongUsage } from '../failure.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { safeJson } from '../output/text.ts';
import { usageLines } from '../output/usage-view.ts';
import { openSession } from '../session.ts';

export interface UsageOptions extends CommonOptions {
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly until?: number;
  readonly by?: UsageGroup;
}

/** `ranch-hand usage [--since 24h] [--by model]` */
export async function usage(context: CliContext, options: UsageOptions): Promise<ExitCode> {
  const times = timesOf(options);
  const { client } = await openSession(context, options);
  const answer = await client.query('usage', { ...times, ...(options.by === undefined ? {} : { by: options.by }) });
  const { stdout, env } = context;
  if (options.json === true) stdout.write(`${safeJson(answer)}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, env));
    const lines = usageLines(answer, { columns: tableColumns(stdout), palette, nowMs: Date.now() });
    stdout.write(`${lines.join('\n')}\n`);
  }
  return exitCodes.done;
}

/** The times as the node takes them. Throws `usage` where they are the wrong way round. */
export function timesOf({ since, until }: UsageOptions): { readonly since?: string; readonly until?: string } {
  const nowMs = Date.now();
  if ((since ?? -Infinity) >= (until ?? nowMs)) {
    throw wrongUsage(
      until === undefined ? '--since lies in the future.' : '--since is not before --until. Change one of them.',
    );
  }
  return {
    ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
  };
}
