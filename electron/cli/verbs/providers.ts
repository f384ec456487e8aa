import { exitCodes, tableColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { CliError } from '../failure.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { cloudModelsLines, providersLines } from '../output/providers-view.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { openSession } from '../session.ts';

/** `ranch-hand providers` */
export async function providers(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const { cloud } = await client.snapshot();
  const { stdout, env } = context;
  if (options.json === true) stdout.write(`${safeJson({ providers: cloud.providers })}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, env));
    const lines = providersLines(cloud.providers, { columns: tableColumns(stdout), palette, nowMs: Date.now() });
    stdout.write(`${lines.join('\n')}\n`);
  }
  return exitCodes.done;
}

/** `ranch-hand providers models [PROVIDER]` */
export async function providersModels(
  context: CliContext,
  options: CommonOptions,
  provider: string | undefined,
): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const { models } = await client.query('cloud', {});
  const wanted = provider === undefined ? models : models.filter((model) => model.provider === provider);
  if (provider !== undefined && wanted.length === 0) {
    throw new CliError('not_found', `There is no model of "${provider}" here. See them all without a name.`);
  }
  const { stdout, env } = context;
  if (options.json === true) stdout.write(`${safeJson({ models: wanted })}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, env));
    const lines = cloudModelsLines(wanted, { columns: tableColumns(stdout), palette, nowMs: Date.now() });
    stdout.write(`${lines.join('\n')}\n`);
  }
  return exitCodes.done;
}

/** `ranch-hand providers test ID`: asks for its list of models with the key that is set; that costs nothing. */
export async function providersTest(context: CliContext, options: CommonOptions, provider: string): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const { sentence } = await client.command('cloud.test', { provider });
  const told = sentence ?? `${provider} answers.`;
  context.stdout.write(
    options.json === true ? `${safeJson({ ok: true, provider, sentence: told })}\n` : `${safeLine(told)}\n`,
  );
  return exitCodes.done;
}
