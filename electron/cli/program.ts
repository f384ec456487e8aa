import { Command, CommanderError, Option } from 'commander';
import { logLevels } from '../contract/log-levels.ts';
import { version } from '../contract/version.ts';
import { addCloud } from './commands/cloud.ts';
import { collect, common, type End } from './commands/common.ts';
import { addConnect } from './commands/connect.ts';
import { addEngines } from './commands/engines.ts';
import { addKeys } from './commands/keys.ts';
import { addModels } from './commands/models.ts';
import { addTrace } from './commands/trace.ts';
import { exitCodes, type CliContext, type CommonOptions, type ExitCode } from './context.ts';
import { failureOf } from './failure.ts';
import { safeLine } from './output/text.ts';
import type { AgentOptions } from './verbs/agent.ts';
import type { StatusOptions } from './verbs/status.ts';

const afterHelp = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no agent is running.`;

/**
 * Runs one command line (without program and script) and resolves to the exit code. A verb's code is loaded only when
 * it is called, so that the program answers at once.
 */
export async function runCli(argv: readonly string[], context: CliContext): Promise<ExitCode> {
  const result = { exitCode: exitCodes.done as ExitCode };
  const program = buildProgram(context, (exitCode) => {
    result.exitCode = exitCode;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return result.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return exitOfCommander(error);
    const failure = failureOf(error);
    context.stderr.write(complaint(failure.message, failure.code));
    return failure.exitCode;
  }
}

/** Commander has printed its own words by then: help that was asked for is done, anything else is wrong usage. */
function exitOfCommander(error: CommanderError): ExitCode {
  return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
}

function buildProgram(context: CliContext, end: (exitCode: ExitCode) => void): Command {
  const program = new Command('ranch-hand')
    .description('One agent on this machine: its engine, its gateway, what it does.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show the usage')
    .helpCommand(false)
    .addHelpText('after', afterHelp)
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(sentence(text)),
    })
    .exitOverride();
  addAgent(program, context, end);
  addStatus(program, context, end);
  addModels(program, context, end);
  addEngines(program, context, end);
  addSettings(program, context, end);
  addRun(program, context, end);
  addConnect(program, context, end);
  addKeys(program, context, end);
  addTrace(program, context, end);
  addCloud(program, context, end);
  addPanelAndDoctor(program, context, end);
  return program;
}

function addAgent(program: Command, context: CliContext, end: End): void {
  common(program.command('agent').description('run the node in the foreground'))
    .option('--gateway <host:port>', 'where the gateway listens (127.0.0.1:8080 unless set)')
    .option('--control <host:port>', 'where the control API listens (any free port unless set)')
    .option('--set <section.key=value>', 'a setting for this run; may be repeated', collect)
    .addOption(new Option('--log-level <level>', 'least severity that is logged (info unless set)').choices(logLevels))
    .action(async (_options: unknown, command: Command) => {
      const { agent } = await import('./verbs/agent.ts');
      end(await agent(context, command.optsWithGlobals<AgentOptions>()));
    });
}

function addStatus(program: Command, context: CliContext, end: End): void {
  common(program.command('status').description('this node: engine, model, speed, memory, load, last requests'))
    .option('-w, --watch', 'keep it on the screen, up to date; with --json, one document a line')
    .action(async (_options: unknown, command: Command) => {
      const { status } = await import('./verbs/status.ts');
      end(await status(context, command.optsWithGlobals<StatusOptions>()));
    });
}

function addSettings(program: Command, context: CliContext, end: End): void {
  const settings = common(
    program.command('settings').description('the settings in force, and what waits for a restart'),
  ).action(async (_options: unknown, command: Command) => {
    const verb = await import('./verbs/settings.ts');
    end(await verb.settings(context, command.optsWithGlobals<CommonOptions>()));
  });
  common(
    settings
      .command('set <key> <value>')
      .description(
        'change one setting, such as gateway.port 8081: those of cloud hold at once, others from the next start',
      ),
  ).action(async (key: string, value: string, _options: unknown, command: Command) => {
    const { settingsSet } = await import('./verbs/settings.ts');
    end(await settingsSet(context, command.optsWithGlobals<CommonOptions>(), key, value));
  });
}

function addRun(program: Command, context: CliContext, end: End): void {
  common(
    program.command('run <model> [prompt]').description('ask a model once; without a prompt it is read from a pipe'),
  ).action(async (model: string, prompt: string | undefined, _options: unknown, command: Command) => {
    const { run } = await import('./verbs/run.ts');
    end(await run(context, command.optsWithGlobals<CommonOptions>(), model, prompt));
  });
}

function addPanelAndDoctor(program: Command, context: CliContext, end: End): void {
  common(program.command('panel').description('open the panel in the browser')).action(
    async (_options: unknown, command: Command) => {
      const { panel } = await import('./verbs/panel.ts');
      end(await panel(context, command.optsWithGlobals<CommonOptions>()));
    },
  );
  common(program.command('doctor').description('check this node; each check has a reason and a fix')).action(
    async (_options: unknown, command: Command) => {
      const { doctor } = await import('./verbs/doctor.ts');
      end(await doctor(context, command.optsWithGlobals<CommonOptions>()));
    },
  );
}

/** Commander's own words as one of our sentences. */
function sentence(text: string): string {
  const words = text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ');
  const dot = words.endsWith('.') ? '' : '.';
  return complaint(`${words.charAt(0).toUpperCase()}${words.slice(1)}${dot} See the usage with --help.`, 'usage');
}

/** How every failure is told, the agent's own too: one line with its code. */
function complaint(message: string, code: string): string {
  return `ranch-hand: ${safeLine(message)} [${safeLine(code)}]\n`;
}
