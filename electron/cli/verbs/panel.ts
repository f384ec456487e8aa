import { browserOpener, openWith } from '../browser.ts';
import { exitCodes, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { openSession } from '../session.ts';

/**
 * `ranch-hand panel`: opens the panel in the browser, signed in by a ticket that works once. Prints the address where
 * there is no browser to open, or with `--json`.
 */
export async function panel(context: CliContext, options: CommonOptions): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const { url } = await client.ticket();
  if (options.json === true) {
    context.stdout.write(`${safeJson({ url })}\n`);
    return exitCodes.done;
  }
  const opener = browserOpener(context.platform, context.env, url);
  if (opener !== null && (await openWith(opener, context.env)))
    context.stdout.write('The panel opens in your browser.\n');
  else {
    context.stdout.write(
      `Open this address in a browser on this machine. It works once and soon expires.\n${safeLine(url)}\n`,
    );
  }
  return exitCodes.done;
}
