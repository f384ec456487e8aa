import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { presetProviders } from '../contract/cloud.ts';
import { engineKindSchema, type Notice } from '../contract/snapshot.ts';
import type { Trace } from '../contract/trace.ts';
import { version } from '../contract/version.ts';
import { Announcer } from './base/announcer.ts';
import type { Clock } from './base/clock.ts';
import { AppError } from './base/errors.ts';
import type { StopStack } from './base/lifecycle.ts';
import type { Logger } from './base/logger.ts';
import type { Settings } from './config/settings.ts';
import { accessNotices } from './gateway/access/access-notices.ts';
import { CallerAllowances } from './gateway/access/caller-allowances.ts';
import { GatewayAccess } from './gateway/access/gateway-access.ts';
import { KeyStore } from './gateway/access/key-store.ts';
import { LiveHosts } from './gateway/access/lan-hosts.ts';
import { NetworkDoor } from './gateway/access/network-door.ts';
import { Gateway, type GatewayDeps } from './gateway/gateway.ts';
import type { AnswerMeasurement } from './inference/measurement.ts';
import type { Upstream } from './inference/upstream.ts';
import { Metrics } from './telemetry/prometheus.ts';
import type { MetricsPicture } from './telemetry/prometheus-node.ts';
import { TraceStore } from './telemetry/trace-store.ts';
import type { BrokenCache } from './gateway/sessions/sessions.ts';
import type { CloudServices } from './cloud-services.ts';
import { ConfiguredUpstreams } from './upstreams/configured-upstreams.ts';

export interface GatewaySite {
  readonly dataDir: string;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What people call the node, and its own random id. */
  readonly name: string;
  readonly nodeId: string;
  readonly startedAt: string;
}

export interface GatewayServicesDeps {
  /** The engines of this machine. */
  readonly engines: () => readonly Upstream[];
  readonly cloud: Pick<CloudServices, 'gateway' | 'record' | 'renewed' | 'providers'>;
  readonly knownSpeeds: NonNullable<GatewayDeps['knownSpeeds']>;
  readonly pressure: NonNullable<GatewayDeps['pressure']>;
  readonly measured: Announcer<AnswerMeasurement>;
  /** Starts to listen, and tells of a taken port. */
  readonly listen: (gateway: Gateway) => Promise<string>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly upstreamsLogger: Logger;
  readonly stack: StopStack;
}

/** The gateway and what stands around it: keys, the way to the network, other servers, decisions kept and counted. */
export interface GatewayServices {
  readonly gateway: Gateway;
  readonly gatewayUrl: string;
  readonly keys: KeyStore;
  readonly traces: TraceStore;
  /** Something of the above changed that the snapshot shows. */
  readonly changes: readonly Announcer<void>[];
  /** What needs the operator. */
  notices(): Notice[];
  /** Whether the gateway answers there; `host` without brackets. */
  isOwn(host: string, port: number): boolean;
  /** From now on the metrics tell of the node too. */
  showNode(picture: () => MetricsPicture): void;
}

export async function openGateway(site: GatewaySite, deps: GatewayServicesDeps): Promise<GatewayServices> {
  const { dataDir, settings, env, name, nodeId, startedAt } = site;
  const { clock, logger, stack } = deps;
  const keys = new KeyStore({ file: join(dataDir, 'keys.db') }, { clock, logger });
  stack.push('keys', () => keys.close());
  const traces = new TraceStore(
    { file: join(dataDir, 'traces.db'), kept: settings.gateway.tracesKept },
    { clock, logger },
  );
  stack.push('traces', () => traces.close());
  const shown: { node: (() => MetricsPicture) | null } = { node: null };
  const metrics = new Metrics({ picture: () => (shown.node ?? notYet)() });
  const traced = new Announcer<Trace>();
  traced.subscribe((trace) => traces.record(trace));
  traced.subscribe((trace) => metrics.record(trace));
  traced.subscribe((trace) => deps.cloud.record(trace));

  const { host, port, listen, drainMs, maxQueued: queueLimit, maxBodyBytes, ...policy } = settings.gateway;
  const own = { port: 0 };
  const hosts = new LiveHosts({
    names: () => ({ hostname: hostname(), interfaces: networkInterfaces(), names: settings.gateway.names }),
    clock,
  });
  const isOwn = (name: string, at: number): boolean =>
    at === own.port && hosts.list().some((each) => bare(each) === name);
  const servers = new ConfiguredUpstreams(
    {
      servers: settings.upstreams,
      env,
      takenIds: [...engineKindSchema.options, ...presetProviders, ...Object.keys(settings.cloud.providers)],
    },
    {
      clock,
      logger: deps.upstreamsLogger,
      isOwn,
    },
  );
  const access = new GatewayAccess({ keys, clock });
  const gateway: Gateway = new Gateway(
    {
      host,
      port,
      nodeId: name,
      hopId: nodeId,
      hosts: () => (door.scope === 'lan' ? hosts.list() : []),
      // A proxy may stand on this machine as well, with the gateway on loopback behind it.
      anyPortHosts: settings.gateway.names.map((listed) => listed.toLowerCase()),
      drainMs,
      limits: { queueLimit, maxBodyBytes },
      policy: { ...policy, names: settings.names },
      version,
    },
    {
      ...deps.cloud.gateway,
      upstreams: () => [...deps.engines(), ...servers.list(), ...deps.cloud.gateway.upstreams()],
      access,
      allowances: new CallerAllowances({
        clock,
        settled: (id, tokens) => {
          if (id.startsWith('key:')) keys.spent(id.slice('key:'.length), tokens);
        },
      }),
      knownSpeeds: deps.knownSpeeds,
      pressure: deps.pressure,
      measured: (answer) => deps.measured.announce(answer),
      traced,
      metricsText: () => metrics.text(),
      listening: () => ({ scope: door.scope, addresses: door.addresses() }),
      clock,
      logger,
    },
  );
  const door: NetworkDoor = new NetworkDoor(
    { wanted: listen, loopback: host },
    { move: (to) => gateway.move(to), keys, interfaces: networkInterfaces, logger },
  );
  const gatewayUrl = await deps.listen(gateway);
  own.port = Number(new URL(gatewayUrl).port);
  stack.push('gateway', () => gateway.close());
  await door.start();
  stack.push('network', () => door.stop());
  await servers.start();
  stack.push('other servers', () => servers.stop());
  servers.changed.subscribe(() => gateway.upstreamsChanged());
  deps.cloud.providers.changed.subscribe(() => gateway.upstreamsChanged());
  deps.cloud.renewed.subscribe(() => gateway.forgiveUpstreams());

  return {
    gateway,
    gatewayUrl,
    keys,
    traces,
    changes: [keys.changed, access.changed, door.changed, servers.changed],
    notices: () => [
      ...accessNotices({
        problem: keys.problem,
        wanted: listen,
        scope: door.scope,
        keysTotal: keys.total,
        startedAt,
      }),
      ...gateway.brokenCaches().map((broken) => brokenCacheNotice(broken, startedAt)),
    ],
    isOwn,
    showNode: (picture) => {
      shown.node = picture;
    },
  };
}

function brokenCacheNotice(
  { upstream, model, sessions, expectedTokens, cachedTokens }: BrokenCache,
  since: string,
): Notice {
  const chats = sessions === 1 ? 'A chat' : `${sessions} chats`;
  return {
    id: `cache-${upstream}-${model}`,
    severity: 'warning',
    sentence: `${chats} with ${model} on ${upstream} read nearly all of their prompts anew each time: of ${expectedTokens} tokens that should have been cached, ${cachedTokens} were. Give the engine more slots or more memory for prompts, or look in Traffic for what changes in the prompts.`,
    since,
    fix: null,
  };
}

function notYet(): never {
  throw new AppError('engine_not_ready', 'The node is still starting. Try again in a moment.');
}

/** A host as it stands in a URL's authority, without brackets. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
