import { createInterface } from 'node:readline/promises';
import type { ModelSnapshot } from '../../contract/snapshot.ts';
import {
  exitCodes,
  screenColumns,
  tableColumns,
  type CliContext,
  type CommonOptions,
  type ExitCode,
} from '../context.ts';
import { CliError, wrongUsage } from '../failure.ts';
import { bytes } from '../output/figures.ts';
import { fitLines } from '../output/fit-view.ts';
import { modelDetailLines } from '../output/model-detail-view.ts';
import { makePalette, wantsColour, type Palette } from '../output/palette.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { variantLines } from '../output/variants-view.ts';
import { openSession } from '../session.ts';

const paletteOf = ({ stdout, env }: CliContext): Palette => makePalette(wantsColour(stdout.isTTY, env));

function print(context: CliContext, options: CommonOptions, value: unknown, lines: () => readonly string[]): ExitCode {
  context.stdout.write(options.json === true ? `${safeJson(value)}\n` : `${lines().join('\n')}\n`);
  return exitCodes.done;
}

/** `ranch-hand models show NAME` */
export async function modelsShow(context: CliContext, options: CommonOptions, name: string): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const model = modelNamed((await client.snapshot()).models, name);
  return print(context, options, model, () =>
    modelDetailLines(model, screenColumns(context.stdout), paletteOf(context)),
  );
}

/** `ranch-hand models variants NAME` */
export async function modelsVariants(context: CliContext, options: CommonOptions, model: string): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const answer = await client.query('variants', { model });
  return print(context, options, answer, () => variantLines(answer, tableColumns(context.stdout), paletteOf(context)));
}

export interface FitOptions extends CommonOptions {
  readonly ram?: number;
  readonly bandwidth?: number;
  readonly context?: number;
  readonly parallel?: number;
  readonly kv?: 'f16' | 'q8_0' | 'q4_0';
}

/** `ranch-hand models fit [NAME] [--ram GB --bandwidth GB/s]` */
export async function modelsFit(
  context: CliContext,
  options: FitOptions,
  model: string | undefined,
): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const { ram, bandwidth, context: contextLength, parallel, kv } = options;
  const answer = await client.query('fit', {
    ...(model === undefined ? {} : { model }),
    ...(ram === undefined ? {} : { ramGb: ram }),
    ...(bandwidth === undefined ? {} : { bandwidthGbPerS: bandwidth }),
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(parallel === undefined ? {} : { parallel }),
    ...(kv === undefined ? {} : { kvType: kv }),
  });
  return print(context, options, answer, () => fitLines(answer, tableColumns(context.stdout), paletteOf(context)));
}

/** `ranch-hand models load|unload|pin|unpin NAME` */
export async function modelsCommand(
  context: CliContext,
  options: CommonOptions,
  action: 'load' | 'unload' | 'pin' | 'unpin',
  model: string,
): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  if (action === 'pin' || action === 'unpin') await client.command('models.pin', { model, pinned: action === 'pin' });
  else await client.command(`models.${action}`, { model });
  const told = {
    load: 'is loaded and answers.',
    unload: 'is unloaded.',
    pin: 'stays loaded from now on, however long nobody asks for it.',
    unpin: 'is unloaded again when nobody asks for it.',
  }[action];
  return print(context, options, { ok: true, model, action }, () => [`${safeLine(model)} ${told}`]);
}

const pullWords = { pause: 'paused', resume: 'going on', cancel: 'cancelled, and what had come is removed' } as const;

/** `ranch-hand models pause|resume|cancel ID` */
export async function pullCommand(
  context: CliContext,
  options: CommonOptions,
  action: keyof typeof pullWords,
  id: string,
): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  await client.command(`models.${action}Pull`, { id });
  return print(context, options, { ok: true, pull: id, action }, () => [
    `The pull ${safeLine(id)} is ${pullWords[action]}.`,
  ]);
}

export interface RemoveOptions extends CommonOptions {
  readonly yes?: boolean;
}

/** `ranch-hand models rm NAME`: asks first, and says what goes. */
export async function modelsRemove(context: CliContext, options: RemoveOptions, name: string): Promise<ExitCode> {
  const { client } = await openSession(context, options);
  const model = modelNamed((await client.snapshot()).models, name);
  const what = `${safeLine(model.id)} (${bytes(model.sizeBytes)}${model.path === null ? '' : `, ${safeLine(model.path)}`})`;
  if (options.yes !== true && !(await agrees(context, `Remove ${what} from this machine?`))) {
    throw new CliError('not_removed', 'Nothing was removed.');
  }
  await client.command('models.remove', { model: model.id });
  return print(context, options, { ok: true, removed: model.id }, () => [`${what} is removed.`]);
}

/**
 * Asks on the terminal; anything but yes is a no.
 *
 * @throws CliError `usage` where nobody can be asked
 */
export async function agrees({ stdin, stderr }: CliContext, question: string): Promise<boolean> {
  if (!stdin.isTTY) throw wrongUsage('There is no terminal to ask on. Say yes with --yes.');
  const terminal = createInterface({ input: stdin, output: stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

function modelNamed(models: readonly ModelSnapshot[], name: string): ModelSnapshot {
  const exact = models.find(({ id }) => id === name);
  const found = exact ?? models.find(({ id }) => id.toLowerCase() === name.toLowerCase());
  if (found) return found;
  throw new CliError(
    'model_not_found',
    `The model "${name.slice(0, 128)}" is not on this node. ranch-hand models lists those that are.`,
  );
}
