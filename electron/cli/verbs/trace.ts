import type { QueryParams } from '../../contract/control.ts';
import {
  exitCodes,
  screenColumns,
  tableColumns,
  type CliContext,
  type CommonOptions,
  type ExitCode,
} from '../context.ts';
import { wrongUsage } from '../failure.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { safeJson } from '../output/text.ts';
import { traceLines } from '../output/trace-view.ts';
import { tracesLines } from '../output/traces-view.ts';
import { openSession } from '../session.ts';

type Filter = Omit<QueryParams<'traces'>, 'limit'>;

export interface TraceOptions extends CommonOptions, Filter {
  readonly limit?: number;
}

/** Fewest characters of an id that the agent looks up. */
const leastOfId = 4;

/** `ranch-hand trace [ID]`: one decision in full, or the latest ones. */
export async function trace(context: CliContext, options: TraceOptions, id: string | undefined): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const { stdout, env } = context;
  const palette = makePalette(wantsColour(stdout.isTTY, env));
  const print = (value: unknown, lines: () => string[]): void => {
    stdout.write(options.json === true ? `${safeJson(value)}\n` : `${lines().join('\n')}\n`);
  };
  if (id === undefined) {
    const answer = await client.query('traces', { ...filterOf(options), limit: options.limit ?? 20 });
    print(answer, () => tracesLines(answer, tableColumns(stdout), palette));
    return exitCodes.done;
  }
  if (id.length < leastOfId) {
    throw wrongUsage(
      `Give at least ${leastOfId} characters of the id; it is in the X-Ranch-Trace header of the answer.`,
    );
  }
  const { trace: found } = await client.query('trace', { id });
  print(found, () => traceLines(found, { columns: screenColumns(stdout), palette }));
  return exitCodes.done;
}

function filterOf({ before, key, model, route, state, dialect, session }: TraceOptions): Filter {
  return {
    ...(before === undefined ? {} : { before }),
    ...(key === undefined ? {} : { key }),
    ...(model === undefined ? {} : { model }),
    ...(route === undefined ? {} : { route }),
    ...(state === undefined ? {} : { state }),
    ...(dialect === undefined ? {} : { dialect }),
    ...(session === undefined ? {} : { session }),
  };
}
