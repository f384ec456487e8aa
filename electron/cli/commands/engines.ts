import type { Command } from 'commander';
import type { CliContext, CommonOptions } from '../context.ts';
import type { InstallOptions } from '../verbs/engine-install.ts';
import type { EngineLogsOptions } from '../verbs/engine-logs.ts';
import type { EngineAction } from '../verbs/engines.ts';
import { common, lineCount, type End } from './common.ts';

const actions: readonly (readonly [EngineAction, string])[] = [
  ['start', 'start an engine'],
  ['stop', 'stop an engine; it stays stopped'],
  ['restart', 'stop an engine and start it again'],
];

/** `ranch-hand engines …` */
export function addEngines(program: Command, context: CliContext, end: End): void {
  const engines = common(
    program.command('engines').description('the engines: state, memory, restarts, availability'),
  ).action(async (_options: unknown, command: Command) => {
    const verb = await import('../verbs/engines.ts');
    end(await verb.engines(context, command.optsWithGlobals<CommonOptions>()));
  });
  for (const [action, description] of actions) {
    common(engines.command(`${action} <id>`).description(description)).action(
      async (id: string, _options: unknown, command: Command) => {
        const verb = await import('../verbs/engines.ts');
        end(await verb.engineCommand(context, command.optsWithGlobals<CommonOptions>(), action, id));
      },
    );
  }
  common(engines.command('logs <id>').description('the last lines that an engine printed'))
    .option('-f, --follow', 'go on with each new line')
    .option('-n, --lines <count>', 'how many of the last lines', lineCount, 200)
    .action(async (id: string, _options: unknown, command: Command) => {
      const { engineLogs } = await import('../verbs/engine-logs.ts');
      end(await engineLogs(context, command.optsWithGlobals<EngineLogsOptions>(), id));
    });
  common(
    engines
      .command('install <kind>')
      .description('the official steps to get ollama, llama-server or bitnet; run on consent'),
  )
    .option('-y, --yes', 'run the steps without asking')
    .option('--steps', 'only show the steps')
    .option('--cancel', 'end an installation that runs')
    .action(async (kind: string, _options: unknown, command: Command) => {
      const { enginesInstall } = await import('../verbs/engine-install.ts');
      end(await enginesInstall(context, command.optsWithGlobals<InstallOptions>(), kind));
    });
}
