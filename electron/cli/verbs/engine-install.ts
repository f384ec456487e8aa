import { engineKindSchema, type EngineKind, type InstallSnapshot } from '../../contract/snapshot.ts';
import { exitCodes, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { CliError, wrongUsage } from '../failure.ts';
import { followUntil } from '../follow.ts';
import { meter, percent } from '../output/figures.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { ProgressLine } from '../output/progress-line.ts';
import { dotted } from '../output/spans.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { openSession, type Session } from '../session.ts';
import { agrees } from './model-upkeep.ts';

export interface InstallOptions extends CommonOptions {
  readonly yes?: boolean;
  /** Only show the steps. */
  readonly steps?: boolean;
  readonly cancel?: boolean;
}

/** `ranch-hand engines install KIND`: the official steps, shown; then, on consent, run by the agent. */
export async function enginesInstall(context: CliContext, options: InstallOptions, name: string): Promise<ExitCode> {
  const kind = kindOf(name);
  const session = await openSession(context, options);
  if (options.cancel === true) {
    await session.client.command('engines.cancelInstall', { kind });
    context.stdout.write(options.json === true ? '{"ok":true}\n' : `The installation of ${kind} is cancelled.\n`);
    return exitCodes.done;
  }
  const steps = await session.client.query('installSteps', { kind });
  if (options.json === true && options.yes !== true) {
    context.stdout.write(`${safeJson(steps)}\n`);
    return exitCodes.done;
  }
  if (options.json !== true) showSteps(context, steps);
  if (options.steps === true) return exitCodes.done;
  if (steps.problem !== null) throw new CliError('cannot_install', safeLine(steps.problem));
  if (options.yes !== true && !(await agrees(context, 'Run these steps now?'))) {
    throw new CliError('not_installed', 'Nothing was installed.');
  }
  await session.client.command('engines.install', { kind, consent: true });
  return follow(context, session, kind, options.json === true);
}

function showSteps(
  context: CliContext,
  {
    sentence,
    steps,
    problem,
  }: { sentence: string; steps: readonly { sentence: string; lines: readonly string[] }[]; problem: string | null },
): void {
  const palette = makePalette(wantsColour(context.stdout.isTTY, context.env));
  const lines = [
    safeLine(sentence),
    ...steps.flatMap((step, index) => [
      '',
      `${index + 1}. ${safeLine(step.sentence)}`,
      ...step.lines.map((text) => palette.dim(`   ${safeLine(text)}`)),
    ]),
    ...(problem === null ? [] : ['', palette.attention(safeLine(problem))]),
    '',
  ];
  context.stdout.write(`${lines.join('\n')}\n`);
}

async function follow(context: CliContext, session: Session, kind: EngineKind, json: boolean): Promise<ExitCode> {
  const line = new ProgressLine(context.stderr);
  let told = '';
  const tell = (install: InstallSnapshot): void => {
    const text = safeJson(install);
    if (json && text !== told) context.stdout.write(`${text}\n`);
    told = text;
    if (!json && install.state === 'running') line.show(progressOf(install), `${install.step} ${install.sentence}`);
  };
  try {
    const ended = await followUntil(session, ({ installs }) => {
      const install = installs.find((each) => each.kind === kind);
      if (!install) return null;
      tell(install);
      return install.state === 'running' ? null : install;
    });
    line.end();
    if (ended.state !== 'done') throw new CliError(`install_${ended.state}`, safeLine(ended.sentence));
    if (!json) context.stdout.write(`${safeLine(ended.sentence)}\n`);
    return exitCodes.done;
  } finally {
    line.end();
  }
}

function progressOf({ step, steps, sentence, progress }: InstallSnapshot): string {
  return dotted([
    `Step ${step} of ${steps}`,
    progress === null ? null : `${meter(progress, 20)} ${percent(progress * 100)}`,
    safeLine(sentence),
  ]);
}

function kindOf(name: string): EngineKind {
  const kind = engineKindSchema.safeParse(name);
  if (kind.success && kind.data !== 'embedded') return kind.data;
  const kinds = engineKindSchema.options.filter((each) => each !== 'embedded').join(', ');
  throw wrongUsage(`There is no engine "${name.slice(0, 60)}" to install. There are: ${kinds}.`);
}
