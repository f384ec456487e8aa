import { Option, type Command } from 'commander';
import type { CliContext } from '../context.ts';
import type { TraceOptions } from '../verbs/trace.ts';
import { common, positive, type End } from './common.ts';

/** `ranch-hand trace [ID]` */
export function addTrace(program: Command, context: CliContext, end: End): void {
  common(
    program
      .command('trace [id]')
      .description('why a request went where it went: one by its id (X-Ranch-Trace), or the latest ones'),
  )
    .option('-n, --limit <count>', 'how many of the latest (20 unless set)', positive({ whole: true, most: 1_000 }))
    .option('--before <id>', 'older than this one')
    .option('--key <name>', 'of this key')
    .option('--model <name>', 'that named this model or were answered by it')
    .addOption(new Option('--route <route>', 'that went this way').choices(['local', 'peer', 'cloud', 'none']))
    .addOption(new Option('--state <state>', 'that ended so').choices(['done', 'failed', 'aborted']))
    .addOption(new Option('--dialect <dialect>', 'in this dialect').choices(['openai', 'anthropic', 'ollama']))
    .option('--session <id>', 'of this chat')
    .action(async (id: string | undefined, _options: unknown, command: Command) => {
      const { trace } = await import('../verbs/trace.ts');
      end(await trace(context, command.optsWithGlobals<TraceOptions>(), id));
    });
}
