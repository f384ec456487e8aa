import { Option, type Command } from 'commander';
import type { CliContext } from '../context.ts';
import type { ConnectOptions } from '../verbs/connect.ts';
import { common, type End } from './common.ts';

/** `ranch-hand connect …` */
export function addConnect(program: Command, context: CliContext, end: End): void {
  common(
    program
      .command('connect <program>')
      .description(
        'how to point a program here: claude-code, openclaw, opencode, llm, aider, openai, anthropic, ollama, litellm',
      ),
  )
    .option('-w, --write', "put it into the program's own file; the file as it was is kept beside it")
    .option('--model <name>', "the model to use (the node's default one unless named)")
    .addOption(
      new Option('--api <dialect>', 'the dialect, where the program speaks several').choices([
        'openai',
        'responses',
        'anthropic',
        'ollama',
      ]),
    )
    .option('--key <key>', 'the key that the program sends')
    .option('--url <address>', "the gateway's address, such as that of another machine of the ranch")
    .action(async (name: string, _options: unknown, command: Command) => {
      const { connect } = await import('../verbs/connect.ts');
      end(await connect(context, command.optsWithGlobals<ConnectOptions>(), name));
    });
}
