import { Option, type Command } from 'commander';
import type { CliContext, CommonOptions } from '../context.ts';
import type { PullOptions, QuantizeOptions, UseOptions } from '../verbs/model-switch.ts';
import type { FitOptions, RemoveOptions } from '../verbs/model-upkeep.ts';
import { common, positive, type End } from './common.ts';

/** `ranch-hand models …` */
export function addModels(program: Command, context: CliContext, end: End): void {
  const models = common(
    program.command('models').description('the models on this node: size, quantization, fit, speed, pulls'),
  ).action(async (_options: unknown, command: Command) => {
    const verb = await import('../verbs/models.ts');
    end(await verb.models(context, command.optsWithGlobals<CommonOptions>()));
  });
  addSwitching(models, context, end);
  addPulls(models, context, end);
  addLooking(models, context, end);
  addUpkeep(models, context, end);
}

function addSwitching(models: Command, context: CliContext, end: End): void {
  common(models.command('use <name>').description('switch to a model; callers who name none get it'))
    .option('--quant <name>', 'in this quantization, such as Q5_K_M; it is fetched or made if need be')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { modelsUse } = await import('../verbs/model-switch.ts');
      end(await modelsUse(context, command.optsWithGlobals<UseOptions>(), name));
    });
  common(
    models
      .command('quantize <name> <quantization>')
      .description('make another quantization here, from F16, BF16 or F32'),
  )
    .option('--use', 'switch to it when it is there')
    .action(async (name: string, quantization: string, _options: unknown, command: Command) => {
      const { modelsQuantize } = await import('../verbs/model-switch.ts');
      end(await modelsQuantize(context, command.optsWithGlobals<QuantizeOptions>(), name, quantization));
    });
}

function addPulls(models: Command, context: CliContext, end: End): void {
  common(
    models
      .command('pull <reference>')
      .description('get a model: a name of the Ollama library, hf.co/org/repo:QUANT, an https address, or a file'),
  )
    .option('--sha256 <digest>', 'the sha256 that the file must have: 64 hexadecimal digits')
    .option('--use', 'switch to it when it is here')
    .option('-d, --detach', 'leave it to the node and return at once')
    .action(async (reference: string, _options: unknown, command: Command) => {
      const { modelsPull } = await import('../verbs/model-switch.ts');
      end(await modelsPull(context, command.optsWithGlobals<PullOptions>(), reference));
    });
  const actions = [
    ['pause', 'pause a pull; what has come is kept'],
    ['resume', 'go on with a pull that was paused or failed'],
    ['cancel', 'give a pull up and remove what has come'],
  ] as const;
  for (const [action, description] of actions) {
    common(models.command(`${action} <pull>`).description(description)).action(
      async (id: string, _options: unknown, command: Command) => {
        const { pullCommand } = await import('../verbs/model-upkeep.ts');
        end(await pullCommand(context, command.optsWithGlobals<CommonOptions>(), action, id));
      },
    );
  }
}

function addLooking(models: Command, context: CliContext, end: End): void {
  common(models.command('show <name>').description('all that is known of a model')).action(
    async (name: string, _options: unknown, command: Command) => {
      const { modelsShow } = await import('../verbs/model-upkeep.ts');
      end(await modelsShow(context, command.optsWithGlobals<CommonOptions>(), name));
    },
  );
  common(
    models.command('variants <name>').description('its quantizations side by side: size, quality, fit, speed'),
  ).action(async (name: string, _options: unknown, command: Command) => {
    const { modelsVariants } = await import('../verbs/model-upkeep.ts');
    end(await modelsVariants(context, command.optsWithGlobals<CommonOptions>(), name));
  });
  common(models.command('fit [name]').description('what fits into memory and how fast it would run, term by term'))
    .option('--ram <GB>', 'for a machine with this much memory', positive({ whole: false, most: 1_000_000 }))
    .option('--bandwidth <GB/s>', 'and this memory bandwidth', positive({ whole: false, most: 1_000_000 }))
    .option('--context <tokens>', 'with this much context', positive({ whole: true, most: 10_000_000 }))
    .option('--parallel <count>', 'for so many answers side by side', positive({ whole: true, most: 64 }))
    .addOption(new Option('--kv <type>', 'with keys and values kept so').choices(['f16', 'q8_0', 'q4_0']))
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const { modelsFit } = await import('../verbs/model-upkeep.ts');
      end(await modelsFit(context, command.optsWithGlobals<FitOptions>(), name));
    });
}

function addUpkeep(models: Command, context: CliContext, end: End): void {
  const actions = [
    ['load', 'load a model beside the others'],
    ['unload', 'free the memory of a model'],
    ['pin', 'never unload a model for being idle'],
    ['unpin', 'unload a model again when it is idle'],
  ] as const;
  for (const [action, description] of actions) {
    common(models.command(`${action} <name>`).description(description)).action(
      async (name: string, _options: unknown, command: Command) => {
        const { modelsCommand } = await import('../verbs/model-upkeep.ts');
        end(await modelsCommand(context, command.optsWithGlobals<CommonOptions>(), action, name));
      },
    );
  }
  common(models.command('rm <name>').description('remove a model from this machine; asks first'))
    .option('-y, --yes', 'remove it without asking')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { modelsRemove } = await import('../verbs/model-upkeep.ts');
      end(await modelsRemove(context, command.optsWithGlobals<RemoveOptions>(), name));
    });
}
