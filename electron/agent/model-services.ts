import type { CommandAnswer } from '../contract/control.ts';
import type { Notice } from '../contract/snapshot.ts';
import type { Clock } from './base/clock.ts';
import { AppError, toAppError } from './base/errors.ts';
import type { StopStack } from './base/lifecycle.ts';
import type { Logger } from './base/logger.ts';
import type { Settings } from './config/settings.ts';
import type { Engines } from './engines/engines.ts';
import { Installer } from './engines/install/installer.ts';
import type { CheckedModel } from './engines/serving-check/evidence.ts';
import { ServingChecks } from './engines/serving-check/serving-checks.ts';
import type { Gateway } from './gateway/gateway.ts';
import type { ModelFigures } from './model-figures.ts';
import type { ModelCatalog } from './models/catalog.ts';
import { makeOrder, openPulls, use } from './pull-services.ts';
import { Integrity } from './models/integrity.ts';
import type { Measurements } from './models/measurements.ts';
import type { MemoryBandwidth } from './models/memory-bandwidth.ts';
import { freeDiskBytes } from './models/pull/free-disk.ts';
import { HttpClient } from './models/pull/http-client.ts';
import type { ModelRecords } from './models/records.ts';
import { gigabyte } from './models/sizes.ts';

export interface ServicesOptions {
  readonly dataDir: string;
  readonly distDir: string;
  readonly modelsDir: string;
  readonly logsDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly settings: Settings;
}

export interface ServicesDeps {
  readonly clock: Clock;
  readonly modelsLogger: Logger;
  readonly enginesLogger: Logger;
  readonly catalog: ModelCatalog;
  readonly records: ModelRecords;
  readonly measurements: Measurements;
  readonly bandwidth: MemoryBandwidth;
  readonly engines: Engines;
  readonly figures: ModelFigures;
  readonly gateway: Gateway;
  readonly stack: StopStack;
}

const diskEveryMs = 30_000;
const installSilenceMs = 60_000;

export type ModelServices = Awaited<ReturnType<typeof openModelServices>>;

/** What goes on around the models of a running node: pulls, variants, installs, checks. */
export async function openModelServices(options: ServicesOptions, deps: ServicesDeps) {
  const { engines, gateway, stack, clock, catalog, records } = deps;
  const idle = (): boolean => isIdle(gateway) && engines.switching() === null;
  const { modelsLogger: logger } = deps;
  const { dataDir, modelsDir, env } = options;
  const diskReserveBytes = options.settings.models.diskReserveGb * gigabyte;
  const { pulls, variants } = openPulls({ dataDir, modelsDir, env, diskReserveBytes }, { ...deps, logger });
  await pulls.startUp();
  stack.push('pulls', () => pulls.stop());
  stack.push('variants', () => variants.close());
  pulls.finished.subscribe(({ pull, model }) => {
    if (!pull.thenUse) return;
    try {
      if (model === null)
        throw new AppError('model_not_found', 'No engine has it in its list yet. Switch to it later.');
      engines.use(model);
    } catch (error) {
      logger.warn({ err: error, model }, 'a model that was pulled to be used cannot be');
      pulls.notUsed(pull.id, toAppError(error).message);
    }
  });

  const integrity = new Integrity({ idle }, { catalog, records, clock, logger });
  integrity.start();
  stack.push('integrity', () => integrity.stop());
  deps.bandwidth.start();
  stack.push('memory bandwidth', () => deps.bandwidth.stop());

  const installer = openInstaller(options, deps);
  stack.push('installer', () => installer.stop());
  const checks = await openChecks(options, deps);
  stack.push('serving checks', () => checks.stop());
  const disk = watchDisk({ modelsDir, reserveBytes: diskReserveBytes }, { clock, stack });

  return {
    pulls,
    variants,
    installer,
    checks,
    /** Announced when a notice or another part of the snapshot may have changed. */
    changes: [pulls.changed, installer.changed, checks.changed, integrity.changed, deps.bandwidth.changed],
    disk,
    notices: (): Notice[] => [...checks.notices(), ...integrity.quarantined().map(quarantineNotice)],
    use: (model: string, quantization: string | undefined) =>
      use({ model, quantization }, { engines, pulls, variants }),
    quantize: (order: { model: string; quantization: string; use: boolean }): Omit<CommandAnswer, 'ok'> => ({
      pullId: pulls.quantize(makeOrder(engines, order)),
    }),
  };
}

function openInstaller(
  { dataDir, logsDir, modelsDir, env }: ServicesOptions,
  { engines, clock, enginesLogger: logger }: ServicesDeps,
) {
  const installer = new Installer(
    { dataDir, logsDir, modelsDir, env, platform: process.platform, arch: process.arch },
    {
      clock,
      logger,
      http: new HttpClient({ env, silenceMs: installSilenceMs, token: null }),
    },
  );
  installer.installed.subscribe((kind) => {
    engines
      .startEngine(kind)
      .catch((error: unknown) => logger.warn({ err: error, kind }, 'an installed engine did not start'));
  });
  return installer;
}

async function openChecks({ settings }: ServicesOptions, deps: ServicesDeps): Promise<ServingChecks> {
  const { engines, gateway, clock, enginesLogger: logger, figures } = deps;
  const checks = new ServingChecks(
    { enabled: settings.models.servingCheck },
    {
      clock,
      logger,
      upstreamOf: (engineId) => engines.byId(engineId).upstream,
      modelFacts: (engineId, modelId) => checkedModel(engines, figures, engineId, modelId),
      speedBefore: (engineId, modelId) => {
        const model = figures.modelAt(engineId, modelId);
        return model ? figures.speedOf(model, engineId) : null;
      },
      idle: () => isIdle(gateway),
      activity: gateway.changed,
    },
  );
  await checks.start();
  engines.modelLoaded.subscribe((loaded) => checks.onLoaded(loaded));
  return checks;
}

/** What this node tells callers of a loaded model. */
function checkedModel(engines: Engines, figures: ModelFigures, engineId: string, modelId: string): CheckedModel | null {
  const model = figures.modelAt(engineId, modelId);
  const engine = engines.list().find(({ id }) => id === engineId);
  if (!model || !engine || model.selfTest) return null;
  const { id, quantization, capabilities, shape, file } = model;
  const held = model.offers.find((offer) => offer.engineId === engineId)?.held;
  return {
    engineId,
    engineKind: engine.kind,
    owned: engine.ownership === 'owned',
    modelId,
    name: id,
    contextLength: held?.contextLength ?? null,
    trainedContextLength: shape?.contextLength ?? model.library?.contextLength ?? null,
    quantization,
    capabilities,
    hasChatTemplate: file?.header?.hasChatTemplate ?? null,
    prefillTokensPerSecond: figures.speedOf(model, engineId)?.prefillTokensPerSecond ?? null,
  };
}

/** The room on the models' disk, looked at now and then, against what pulls leave free. */
function watchDisk(
  { modelsDir, reserveBytes }: { readonly modelsDir: string; readonly reserveBytes: number },
  { clock, stack }: { readonly clock: Clock; readonly stack: StopStack },
): () => { freeBytes: number; reserveBytes: number; since: string } | null {
  const seen: { freeBytes: number | null; shortSince: string | null } = { freeBytes: null, shortSince: null };
  const look = async (): Promise<void> => {
    seen.freeBytes = await freeDiskBytes(modelsDir).catch(() => null);
    const isShort = seen.freeBytes !== null && seen.freeBytes < reserveBytes;
    seen.shortSince = isShort ? (seen.shortSince ?? new Date(clock.now()).toISOString()) : null;
  };
  stack.push(
    'disk watch',
    clock.every(diskEveryMs, () => void look()),
  );
  void look();
  return () => {
    const { freeBytes, shortSince } = seen;
    return freeBytes === null || shortSince === null ? null : { freeBytes, reserveBytes, since: shortSince };
  };
}

function quarantineNotice({ id, sentence, origin, atMs }: ReturnType<Integrity['quarantined']>[number]): Notice {
  return {
    id: `model-${id}-damaged`,
    severity: 'warning',
    sentence,
    since: new Date(atMs).toISOString(),
    fix:
      origin === null
        ? null
        : { kind: 'command', label: 'Pull it again', command: 'models.pull', body: { reference: origin } },
  };
}

function isIdle(gateway: Gateway): boolean {
  const { inFlight, queued } = gateway.stats();
  return inFlight === 0 && queued === 0;
}
