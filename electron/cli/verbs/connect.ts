import type { Api, ConfigFile, Places } from '../connect/connection.ts';
import { chooseTarget, missingKey, type NodeFacts } from '../connect/choose-target.ts';
import { connectionLines, fileLines } from '../connect/connection-text.ts';
import { programs } from '../connect/programs.ts';
import { writeConfig, type Written } from '../connect/write-file.ts';
import { exitCodes, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { failureOf, wrongUsage } from '../failure.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { openSession } from '../session.ts';

export interface ConnectOptions extends CommonOptions {
  readonly write?: boolean;
  readonly model?: string;
  readonly api?: Api;
  readonly key?: string;
  readonly url?: string;
}

/** `ranch-hand connect PROGRAM` */
export async function connect(context: CliContext, options: ConnectOptions, name: string): Promise<ExitCode> {
  const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
  if (program === undefined) {
    throw wrongUsage(`The program ${name} is not known here. Known are ${Object.keys(programs).join(', ')}.`);
  }
  const api = options.api ?? program.apis[0];
  if (!program.apis.includes(api)) {
    throw wrongUsage(`${program.title} does not speak ${api} here. It can speak ${program.apis.join(', ')}.`);
  }
  const { target, notes } = chooseTarget(
    { api, model: options.model, key: options.key, url: options.url },
    await nodeFacts(context, options),
  );
  const places: Places = { home: context.homeDir, env: context.env, platform: context.platform };
  const made = program.connect(target, places);
  const written = options.write === true ? await write(program.title, made.file, target.key) : null;
  const told = [...notes, ...made.notes];
  if (options.json === true) {
    const { url, model } = target;
    const { file, env, once, code, tryOut } = made;
    const shown = file === null ? null : { path: file.path, text: `${fileLines(file).join('\n')}\n` };
    context.stdout.write(
      `${safeJson({ ok: true, program: name, api, url, model, file: shown, env, once, code, tryOut, notes: told, written })}\n`,
    );
    return exitCodes.done;
  }
  const head = `${program.title}, with ${target.model} at ${target.url} (${api})`;
  const rest = written === null ? made : { ...made, file: null };
  const lines = [...connectionLines(head, rest, context.platform), ...writtenLines(written)];
  context.stdout.write(`${lines.map(safeLine).join('\n')}\n`);
  if (told.length > 0) context.stderr.write(`${told.map(safeLine).join('\n')}\n`);
  return exitCodes.done;
}

/** What the running agent tells; null without one, for a configuration can be made beforehand. */
async function nodeFacts(context: CliContext, options: ConnectOptions): Promise<NodeFacts | null> {
  try {
    const { client } = await openSession(context, options);
    return await client.snapshot();
  } catch (error) {
    if (failureOf(error).exitCode === exitCodes.noAgent) return null;
    throw error;
  }
}

async function write(title: string, file: ConfigFile | null, key: string): Promise<Written> {
  if (file === null) {
    throw wrongUsage(`${title} is pointed here by the environment, not by a file. Leave --write out to see the lines.`);
  }
  if (key === missingKey) {
    throw wrongUsage('This node asks for a key. Make one with ranch-hand keys add NAME, then name it with --key.');
  }
  return writeConfig(file, Date.now());
}

function writtenLines(written: Written | null): string[] {
  if (written === null) return [];
  const { path, backup, changes } = written;
  if (changes.length === 0) return ['', `${path} said all this already.`];
  return [
    '',
    `Written to ${path}:`,
    ...changes.map((change) => `  ${change}`),
    ...(backup === null ? [] : [`The file as it was before: ${backup}`]),
  ];
}
