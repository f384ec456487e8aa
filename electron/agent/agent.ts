import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { meansPath } from '../contract/control.ts';
import type { EngineSnapshot, ModelSnapshot } from '../contract/snapshot.ts';
import { version } from '../contract/version.ts';
import { agentFilePath, removeAgentFile, writeAgentFile } from '../host/agent-file.ts';
import { acquireOwnerLock } from '../host/owner-lock.ts';
import { freePortNear } from '../host/free-port.ts';
import { describeHolder, portHolder } from '../host/port-holder.ts';
import { makePrivateFolder } from '../host/private-folder.ts';
import { openAgentLog } from './agent-log.ts';
import { Announcer } from './base/announcer.ts';
import { systemClock, type Clock } from './base/clock.ts';
import { AppError, systemErrorCode, toAppError } from './base/errors.ts';
import { FreeMemory } from './base/free-memory.ts';
import { StopStack } from './base/lifecycle.ts';
import type { Logger } from './base/logger.ts';
import { ConfigStore } from './config/config-store.ts';
import { commandsOf, queriesOf } from './control-calls.ts';
import { ControlServer } from './control/control-server.ts';
import { Engines } from './engines/engines.ts';
import type { Gateway } from './gateway/gateway.ts';
import { PressureProbe } from './gateway/load/pressure-probe.ts';
import { openCloud } from './cloud-services.ts';
import { openGateway, type GatewayServices } from './gateway-services.ts';
import type { AnswerMeasurement } from './inference/measurement.ts';
import { loadDefaults, ModelFigures } from './model-figures.ts';
import { openBandwidth, openModelServices } from './model-services.ts';
import { ModelCatalog } from './models/catalog.ts';
import { Measurements } from './models/measurements.ts';
import { ModelRecords } from './models/records.ts';
import { gigabyte } from './models/sizes.ts';
import { loadNodeRecord, saveNodeRecord } from './node-record.ts';
import { noticesFrom } from './notices.ts';
import { Availability } from './telemetry/availability.ts';
import { History } from './telemetry/history.ts';
import { Publisher, publisherDefaults } from './telemetry/publisher.ts';
import { Sampler } from './telemetry/sampler.ts';
import { SnapshotAssembler } from './telemetry/snapshot.ts';
import { plainFacts, readStaticFacts } from './telemetry/static-facts.ts';
import { systemProbe } from './telemetry/system-probe.ts';

export interface AgentOptions {
  /** Absolute; made if it is not there. */
  readonly dataDir: string;
  /** Where the built parts are: the engine child, the panel, the self-test model. */
  readonly distDir: string;
  /** Settings from the command line: dotted path → text. */
  readonly overrides: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Agent {
  /** Starts every part; when one fails, those that run are stopped again and its error is thrown. */
  start(): Promise<{ readonly gatewayUrl: string }>;
  /** Stops every part in reverse order; safe to call at any time and more than once. */
  stop(): Promise<void>;
  /** Resolves when everything has stopped, whoever asked for it. */
  readonly stopped: Promise<void>;
  /** Kills every engine with all it started, at once: for a process that leaves before its stop is over. */
  killEngines(): void;
  /** Logs what nobody caught. */
  reportFatal(error: unknown): void;
}

/** How often the system is read, and for how long the plots remember. */
const sampling = { intervalMs: 1_000, capacity: 300 };
const staticFactsLimitMs = 15_000;
/** How old the figures of memory pressure and heat may be that a request is judged by. */
const pressureAgeMs = 2_000;
/**
 * From the wish to stop to the moment when engines that are still there are killed: after the longest drain, and early
 * enough that the rest of the stop is done within ten seconds even if an engine hangs.
 */
const engineLimitMs = 8_500;

/** The node's runtime. This file is the only one that knows every room; the order of its start is the order below. */
export function createAgent(options: AgentOptions): Agent {
  const stack = new StopStack();
  const stopped = Promise.withResolvers<undefined>();
  const log: { current: Logger | null } = { current: null };
  const owned: { engines: Engines | null } = { engines: null };

  const killEngines = (): void => {
    // Told first, so that a killed engine is not taken for one that fell and is started again.
    void owned.engines?.stop();
    owned.engines?.killNow();
  };
  const stopParts = async (): Promise<void> => {
    log.current?.info({}, 'stopping');
    const cancel = systemClock.after(engineLimitMs, () => {
      log.current?.warn({}, 'killing the engines that have not ended');
      killEngines();
    });
    await stack.stop((part, error) => log.current?.error({ part, err: error }, 'a part failed to stop'));
    cancel();
    stopped.resolve(undefined);
  };
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= stopParts());

  return {
    stopped: stopped.promise,
    stop,
    killEngines,
    reportFatal(error) {
      log.current?.error({ err: error }, 'nobody caught this error');
    },
    async start() {
      try {
        const onLog = (logger: Logger): unknown => (log.current = logger);
        const onEngines = (engines: Engines): unknown => (owned.engines = engines);
        return await stack.fill(() => startParts({ ...options, clock: systemClock, stack, stop, onLog, onEngines }));
      } catch (error) {
        const { code } = toAppError(error);
        if (code === 'shutting_down') log.current?.info({}, 'told to stop before it had started');
        else log.current?.error({ err: error, code }, 'the agent could not start');
        await stop();
        throw error;
      }
    },
  };
}

/** What the parts below share: the options, and how to be stopped. */
interface Site extends AgentOptions {
  readonly clock: Clock;
  readonly stack: StopStack;
  readonly stop: () => Promise<void>;
  readonly onLog: (logger: Logger) => void;
  readonly onEngines: (engines: Engines) => void;
}

async function startParts(site: Site): Promise<{ gatewayUrl: string }> {
  const house = await openHouse(site);
  const inference = await openInference(site, house);
  const telemetry = await openTelemetry(site, house, inference);
  const { controlUrl, controlToken } = await openControl(site, house, inference, telemetry);

  // Clients find the agent from here on.
  const { gatewayUrl } = inference;
  const { startedAt } = house;
  writeAgentFile(site.dataDir, { pid: process.pid, version, startedAt, controlUrl, controlToken, gatewayUrl });
  site.stack.push('agent.json', () => removeAgentFile(site.dataDir));
  house.logger.info({ gatewayUrl, controlUrl }, 'started');
  return { gatewayUrl };
}

type House = Awaited<ReturnType<typeof openHouse>>;

/** The data folder and its one owner; settings; then the log, which takes its level from them. */
async function openHouse({ dataDir, env, overrides, clock, stack, onLog }: Site) {
  const folders = { models: join(dataDir, 'models'), logs: join(dataDir, 'logs') };
  for (const folder of [dataDir, folders.models, folders.logs]) {
    await usable('data_folder_unusable', folder, () => makePrivateFolder(folder));
  }
  const lock = acquireOwnerLock(dataDir);
  stack.push('owner lock', () => lock.release());
  // Left by an agent that was killed; whoever reads it from here on would be misled.
  await usable('data_folder_unusable', agentFilePath(dataDir), () => removeAgentFile(dataDir));

  const config = await usable(
    'settings_invalid',
    join(dataDir, 'config.json'),
    () => new ConfigStore({ dataDir, overrides, env }, { clock }),
  );
  const { settings } = config;
  const log = await usable('data_folder_unusable', folders.logs, () => openAgentLog(folders.logs, settings.log.level));
  const { logger } = log;
  onLog(logger);
  stack.push('log', () => log.close());
  logger.info({ version, dataDir, node: process.version }, 'starting');
  for (const warning of config.warnings) logger.warn({ warning }, 'a problem with the settings');

  const record = loadNodeRecord(dataDir);
  const startedAt = new Date(clock.now()).toISOString();
  return { config, settings, logger, record, folders, startedAt, name: settings.node.name ?? hostname() };
}

type Inference = Awaited<ReturnType<typeof openInference>>;

/** What is on disk, the engine that runs it, and the gateway in front. */
async function openInference(
  { dataDir, distDir, env, clock, stack, onEngines }: Site,
  { config, settings, logger, folders, name, record, startedAt }: House,
) {
  const modelsLogger = logger.child({ room: 'models' });
  const records = new ModelRecords({ file: join(folders.models, 'models.json') }, { clock, logger: modelsLogger });
  const measurements = new Measurements({ file: join(dataDir, 'measurements.db') }, { clock, logger: modelsLogger });
  stack.push('measurements', () => measurements.close());
  const catalog = new ModelCatalog(
    {
      modelsDir: folders.models,
      folders: settings.models.folders,
      defaultPath:
        settings.models.default !== null && meansPath(settings.models.default) ? settings.models.default : null,
      selfTestPath: join(distDir, 'self-test.gguf'),
    },
    { clock, logger: modelsLogger, records },
  );
  await catalog.start();
  stack.push('models', () => catalog.stop());

  const memory = new FreeMemory({ platform: process.platform }, { clock });
  await memory.start();
  stack.push('free memory', () => memory.stop());
  const engines = new Engines(
    {
      dataDir,
      logsDir: folders.logs,
      childScript: join(distDir, 'embedded-engine.js'),
      nodeExecutable: process.execPath,
      env,
      engines: settings.engines,
      models: settings.models,
    },
    {
      catalog,
      clock,
      logger: logger.child({ room: 'engines' }),
      fit: (subject) => figures.fit(subject),
      remember: (wish) => config.set('models.default', wish),
      rememberOptions: (changed) => config.set('models.options', changed),
      removeFile: (file) => catalog.remove(file.id),
    },
  );
  onEngines(engines);
  const isIdle = (): boolean => door.gateway.stats().inFlight === 0 && !engines.isBusy();
  const bandwidth = openBandwidth({ dataDir, distDir, idle: isIdle }, { clock, logger: modelsLogger });
  const figures: ModelFigures = new ModelFigures(
    { headroomBytes: settings.models.headroomGb * gigabyte, defaults: loadDefaults(settings.engines) },
    {
      measurements,
      bandwidth,
      models: () => engines.nodeModels(),
      rows: () => engines.models(),
      engines: () => engines.list(),
      freeBytes: () => memory.bytes(),
    },
  );

  const measured = new Announcer<AnswerMeasurement>();
  measured.subscribe((answer) => figures.measured(answer));
  const pressure = new PressureProbe({ maxAgeMs: pressureAgeMs }, { clock });
  stack.push('engines', () => engines.stop());
  // The gateway listens before a model loads: a taken port is told at once, and callers hear that the engine is
  // loading rather than nothing.
  // Providers are looked at before the gateway listens anywhere.
  const reached: { gateway: GatewayServices | null } = { gateway: null };
  const cloud = await openCloud(
    { dataDir, distDir, env, name },
    {
      config,
      isOwn: (host, port) => reached.gateway?.isOwn(host, port) ?? false,
      clock,
      logger: logger.child({ room: 'cloud' }),
      stack,
    },
  );
  const door: GatewayServices = await openGateway(
    { dataDir, settings, env, name, nodeId: record.id, startedAt },
    {
      engines: () => engines.upstreams(),
      cloud,
      knownSpeeds: (engineId, model) => figures.knownSpeeds(engineId, model),
      pressure: () => pressure.current(),
      measured,
      listen,
      clock,
      logger: logger.child({ room: 'gateway' }),
      upstreamsLogger: logger.child({ room: 'upstreams' }),
      stack,
    },
  );
  reached.gateway = door;
  const { gateway } = door;
  const services = await openModelServices(
    { dataDir, distDir, modelsDir: folders.models, logsDir: folders.logs, env, settings },
    {
      clock,
      modelsLogger,
      enginesLogger: logger.child({ room: 'engines' }),
      catalog,
      records,
      measurements,
      bandwidth,
      engines,
      figures,
      gateway,
      stack,
    },
  );
  measured.subscribe((answer) => services.checks.onMeasured(answer));
  engines.modelLoaded.subscribe(({ engineId, modelId, loadMs }) => {
    if (loadMs !== null) gateway.modelLoaded(engineId, modelId, loadMs);
  });
  await engines.start();

  engines.changed.subscribe(() => gateway.upstreamsChanged());
  return { engines, ...door, door, cloud, figures, memory, services };
}

type Telemetry = Awaited<ReturnType<typeof openTelemetry>>;

/** What is measured, and the one picture of the node that it goes into. */
async function openTelemetry({ dataDir, distDir, clock, stack }: Site, house: House, inference: Inference) {
  const { engines, gateway, gatewayUrl, figures, memory, services, door, cloud } = inference;
  const { config, logger, name, record, startedAt } = house;
  const sampler = new Sampler(sampling, {
    clock,
    probe: systemProbe(process.platform, () => memory.bytes()),
    enginePids: () => engines.list().flatMap(pidsOf),
  });
  const availability = new Availability(
    { file: join(dataDir, 'availability.json') },
    { clock, logger: logger.child({ room: 'telemetry' }) },
  );
  await availability.start();
  stack.push('availability', () => availability.stop());
  sampler.subscribe(() => {
    availability.observe({ engines: engines.list(), nodeReady: engines.isReady() });
  });

  let staticFacts = plainFacts();
  const gatewaySection = () => ({ url: gatewayUrl, ...gateway.stats() });
  const models = (): ModelSnapshot[] => {
    const speeds = gateway.modelSpeeds();
    return figures.decorated().map((row) => ({ ...row, tokensPerSecond: speeds.get(row.id) ?? row.tokensPerSecond }));
  };
  const assembler = new SnapshotAssembler(
    { id: record.id, name, version, platform: process.platform, startedAt },
    {
      engines: () => engines.list(),
      models,
      pulls: () => services.pulls.list(),
      switching: () => engines.switching(),
      installs: () => services.installer.list(),
      gateway: () => ({ snapshot: gatewaySection(), activity: gateway.activity() }),
      notices: () =>
        noticesFrom({
          startedAt,
          pulls: services.pulls.list(),
          switching: engines.switching(),
          disk: services.disk(),
          serving: [...services.notices(), ...door.notices(), ...cloud.notices()],
          settingsWarnings: config.warnings,
          engines: engines.list(),
          models: models(),
        }),
      cloud: () => cloud.snapshot(),
      sample: () => sampler.latest(),
      staticFacts: () => staticFacts,
      availability: () => availability.figures(),
      engineAvailability: (id) => availability.figuresOf(id),
    },
  );
  const history = new History(sampling);
  const publisher = new Publisher(publisherDefaults, { clock, assembler, history, sampler, gateway: gatewaySection });
  door.showNode(() => assembler.assemble());
  for (const changed of [engines.changed, gateway.changed, ...services.changes, ...door.changes, ...cloud.changes])
    changed.subscribe(() => publisher.touch());
  config.changed.subscribe(() => publisher.touch());

  await publisher.start();
  stack.push('publisher', () => publisher.stop());
  await sampler.start();
  stack.push('sampler', () => sampler.stop());
  const childFile = join(distDir, 'static-facts.js');
  const reading = new AbortController();
  stack.push('static facts', () => reading.abort());
  void readStaticFacts({ childFile, timeoutMs: staticFactsLimitMs, signal: reading.signal }, { logger }).then(
    (facts) => {
      staticFacts = facts;
      publisher.touch();
    },
  );
  return { publisher, availability };
}

/** The control API and the panel. */
async function openControl(site: Site, house: House, inference: Inference, telemetry: Telemetry) {
  const { config, settings, record, logger } = house;
  const { gateway } = inference;
  const { publisher, availability } = telemetry;
  const targets = { ...inference, availability, config, stop: () => void site.stop() };
  const controlToken = randomBytes(32).toString('base64url');
  const control = new ControlServer(
    {
      host: settings.control.host,
      port: settings.control.port,
      preferredPort: record.controlPort,
      token: controlToken,
      sessionSecret: record.sessionSecret,
      nodeId: record.id,
      panelDir: settings.control.panelDir ?? join(site.distDir, 'panel'),
    },
    {
      feed: publisher,
      commands: commandsOf(targets),
      queries: queriesOf(targets),
      exports: { usage: (wanted) => inference.cloud.exportUsage(wanted) },
      chat: (request, response) => gateway.handleOperatorChat(request, response),
      clock: site.clock,
      logger: logger.child({ room: 'control' }),
    },
  );
  await control.start();
  site.stack.push('control', () => control.stop());
  // Closed before the control API, so that the panel sees the draining and its own answers finish too.
  site.stack.push('gateway drain', () => gateway.close());
  saveNodeRecord(site.dataDir, { ...record, controlPort: control.port });
  return { controlUrl: control.url, controlToken };
}

/** The processes of an engine: one for each model, where it works so. */
function pidsOf({ pid, processes }: EngineSnapshot): number[] {
  const pids = processes.map((process) => process.pid);
  return pid === null || pids.includes(pid) ? pids : [pid, ...pids];
}

/**
 * What `open` gives. There is no log yet that could hold the details, so a failure names the file or folder and the
 * system's code for what is wrong.
 */
async function usable<T>(
  code: 'data_folder_unusable' | 'settings_invalid',
  path: string,
  open: () => T | Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof AppError) throw error;
    const cause = systemErrorCode(error) ?? (error instanceof Error ? error.message : String(error));
    const message =
      code === 'settings_invalid'
        ? `The settings in ${path} cannot be read (${cause}). Make it a file that this user may read and write, or move it away.`
        : `The data folder cannot be used, because of ${path} (${cause}). Make it writable for this user, or name another data folder: --data-dir DIR.`;
    throw new AppError(code, message, { cause: error });
  }
}

/** The gateway's address; a taken port is told with its holder and the way round it. Nothing is ended to get it. */
async function listen(gateway: Gateway): Promise<string> {
  try {
    return (await gateway.listen()).url;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'port_taken') throw error;
    const { host, port } = { host: String(error.context['host']), port: Number(error.context['port']) };
    const [holder, free] = await Promise.all([portHolder(port), freePortNear(host, port)]);
    const address = host.includes(':') ? `[${host}]` : host;
    const wayRound = free === null ? '' : `, or start this node on another port: --gateway ${address}:${free}`;
    throw new AppError(
      'port_taken',
      `The gateway cannot have port ${port}: ${describeHolder(holder)} listens there. Stop that program${wayRound}`,
      { cause: error, context: error.context },
    );
  }
}
