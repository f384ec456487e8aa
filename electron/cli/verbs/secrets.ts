import type { SecretRow } from '../../contract/cloud.ts';
import type { ControlClient } from '../../client/control-client.ts';
import { exitCodes, tableColumns, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { CliError } from '../failure.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { keptText, secretsLines } from '../output/providers-view.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { readSecret } from '../secret-input.ts';
import { openSession } from '../session.ts';

/** `ranch-hand secrets`: which providers have a key, and where it is kept. */
export async function secrets(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const answer = await client.query('secrets', {});
  const { stdout, env } = context;
  if (options.json === true) stdout.write(`${safeJson(answer)}\n`);
  else {
    const palette = makePalette(wantsColour(stdout.isTTY, env));
    stdout.write(`${secretsLines(answer.secrets, { columns: tableColumns(stdout), palette }).join('\n')}\n`);
  }
  return exitCodes.done;
}

/** `ranch-hand secrets set PROVIDER`: the key from a pipe or typed unseen. It goes to the node and nowhere else. */
export async function secretsSet(context: CliContext, options: CommonOptions, provider: string): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  // Before it is asked for: nobody should type a key for a name that was misspelt.
  await requireProvider(client, provider);
  const value = await readSecret(context, `Key of ${safeLine(provider)}`);
  const { sentence } = await client.command('secrets.set', { provider, value });
  const row = (await client.query('secrets', {})).secrets.find((each) => each.provider === provider);
  if (options.json === true) {
    context.stdout.write(`${safeJson({ ok: true, provider, store: row?.store ?? null })}\n`);
    return exitCodes.done;
  }
  const kept = sentence ?? `The key of ${provider} is ${row ? keptText(row) : 'kept'}.`;
  context.stdout.write(`${safeLine(kept)}\nTry it, at no cost: ranch-hand providers test ${safeLine(provider)}\n`);
  if (row && row.sentence !== null) context.stderr.write(`${safeLine(row.sentence)}\n`);
  return exitCodes.done;
}

/** `ranch-hand secrets clear PROVIDER` */
export async function secretsClear(context: CliContext, options: CommonOptions, provider: string): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  await requireProvider(client, provider);
  const { sentence } = await client.command('secrets.clear', { provider });
  const done =
    options.json === true
      ? safeJson({ ok: true, provider })
      : safeLine(sentence ?? `The key of ${provider} is gone; nothing is sent there any more.`);
  context.stdout.write(`${done}\n`);
  return exitCodes.done;
}

async function requireProvider(client: ControlClient, provider: string): Promise<void> {
  const rows: readonly SecretRow[] = (await client.query('secrets', {})).secrets;
  if (rows.some((row) => row.provider === provider)) return;
  const known = rows.map((row) => row.provider).join(', ');
  throw new CliError('not_found', `This node knows no provider "${provider}". It knows: ${known || 'none'}.`);
}
