import { InvalidArgumentError, Option, type Command } from 'commander';
import type { OffloadMode } from '../../contract/cloud.ts';
import type { KeyRow } from '../../contract/keys.ts';
import { ceilings, priorities } from '../../contract/routing.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import type { KeysAddOptions, KeysOptions, PolicyOptions } from '../verbs/keys.ts';
import { collect, common, type End } from './common.ts';

/** Not taken from the contract, whose schemas would be loaded before any verb. */
const scopes: readonly KeyRow['scope'][] = ['inference', 'admin'];
const offloadChoices: readonly (OffloadMode | 'none')[] = ['off', 'auto', 'on', 'none'];

/** `ranch-hand keys …` */
export function addKeys(program: Command, context: CliContext, end: End): void {
  const keys = common(program.command('keys').description("callers' keys: what each may do, and when it was last used"))
    .option('-a, --all', 'show revoked ones too')
    .action(async (_options: unknown, command: Command) => {
      const verb = await import('../verbs/keys.ts');
      end(await verb.keys(context, command.optsWithGlobals<KeysOptions>()));
    });
  limited(common(keys.command('add <name>').description('make a key; it is shown this once')))
    .addOption(new Option('--scope <scope>', 'what it is for, told in lists; both open the gateway').choices(scopes))
    .action(async (name: string, _options: unknown, command: Command) => {
      const { keysAdd } = await import('../verbs/keys.ts');
      end(await keysAdd(context, command.optsWithGlobals<KeysAddOptions>(), name));
    });
  limited(
    common(keys.command('update <name>').description('change what a key may do; "none" takes a limit away')),
  ).action(async (name: string, _options: unknown, command: Command) => {
    const { keysUpdate } = await import('../verbs/keys.ts');
    end(await keysUpdate(context, command.optsWithGlobals<PolicyOptions>(), name));
  });
  common(
    keys.command('revoke <name>').description('end a key, by its name or id; it opens nothing from then on'),
  ).action(async (name: string, _options: unknown, command: Command) => {
    const { keysRevoke } = await import('../verbs/keys.ts');
    end(await keysRevoke(context, command.optsWithGlobals<CommonOptions>(), name));
  });
}

function limited(command: Command): Command {
  return command
    .addOption(new Option('--priority <class>', 'of its requests that ask for none').choices(priorities))
    .addOption(new Option('--max-priority <class>', 'the highest that its requests get').choices(priorities))
    .addOption(new Option('--ceiling <place>', 'where its requests may go at most').choices(ceilings))
    .addOption(
      new Option('--offload <mode>', "its own offload switch; off on the node holds for all; none: the node's").choices(
        offloadChoices,
      ),
    )
    .option('--model <pattern>', 'a model that it may name, * for any text; may be repeated', collect)
    .option('--default-model <name>', 'answers its requests that name no model')
    .option('--requests-per-minute <count>', 'most requests in any minute', limit({ least: 1, most: 1_000_000 }))
    .option('--tokens-per-minute <count>', 'most tokens, prompt and answer', limit({ least: 1, most: 1_000_000_000 }))
    .option('--concurrency <count>', 'most requests at the same time', limit({ least: 1, most: 10_000 }))
    .option(
      '--dollars-per-day <amount>',
      'most money for cloud providers',
      limit({ least: 0, most: 1_000_000, parts: true }),
    );
}

/** Reads a limit, or `none`. */
function limit({ least, most, parts = false }: { least: number; most: number; parts?: boolean }) {
  return (text: string): number | 'none' => {
    if (text === 'none') return text;
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most && (parts || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`It is a ${parts ? '' : 'whole '}number from ${least} to ${most}, or none.`);
  };
}
