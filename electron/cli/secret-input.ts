import { constants } from 'node:os';
import type { CliContext } from './context.ts';
import { CliError, wrongUsage } from './failure.ts';
import { HiddenLine } from './hidden-line.ts';
import { stopOnSignals } from './stop.ts';

/** No provider's key comes near this; whoever pipes more has piped the wrong file. */
const longest = 10_000;

/**
 * A secret, from a pipe as it is or typed at a terminal without being shown. Never from the command line, which every
 * program of the machine can read. Throws `usage` where there is none, `interrupted` where it was given up.
 */
export async function readSecret(context: CliContext, what: string): Promise<string> {
  const { stdin, stderr } = context;
  const given = stdin.isTTY ? await typed(stdin, stderr, what) : await piped(stdin);
  const secret = given.replace(/^\uFEFF/, '').trim();
  if (secret === '') throw wrongUsage('The key is empty. Type it when asked, or pipe it in.');
  if (/[\r\n]/.test(secret)) throw wrongUsage('A key is one line, and several came. Nothing was changed.');
  if (secret.length > longest) throw tooLong();
  return secret;
}

async function piped(stdin: NodeJS.ReadStream): Promise<string> {
  stdin.setEncoding('utf8');
  let text = '';
  for await (const piece of stdin as AsyncIterable<string>) {
    text += piece;
    if (text.length > 2 * longest) throw tooLong();
  }
  return text;
}

function typed(stdin: NodeJS.ReadStream, stderr: NodeJS.WriteStream, what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const line = new HiddenLine();
    // Another program may end this one; the terminal must show again what is typed into it.
    const stop = stopOnSignals();
    const leave = (settle: () => void): void => {
      stdin.off('data', onKeys);
      stdin.off('end', onCancel);
      stop.signal.removeEventListener('abort', onCancel);
      stop.dispose();
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      settle();
    };
    const onCancel = (): void => {
      const exitCode = stop.signal.aborted ? stop.exitCode : 128 + constants.signals.SIGINT;
      leave(() => reject(new CliError('interrupted', 'You left. Nothing was changed.', exitCode)));
    };
    const onKeys = (keys: string): void => {
      const came = line.type(keys);
      if (came.kind === 'done') leave(() => resolve(came.text));
      else if (came.kind === 'cancelled') onCancel();
    };
    // First: what is typed as soon as the question is there must not be echoed.
    stdin.setRawMode(true);
    stderr.write(`${what} (it is not shown): `);
    stdin.setEncoding('utf8');
    stdin.on('data', onKeys);
    stdin.on('end', onCancel);
    stop.signal.addEventListener('abort', onCancel);
    stdin.resume();
  });
}

function tooLong(): CliError {
  return wrongUsage('That is too long for a key. Nothing was changed.');
}
