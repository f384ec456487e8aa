import { join } from 'node:path';
import type { Clock } from './base/clock.ts';
import type { StopStack } from './base/lifecycle.ts';
import type { Logger } from './base/logger.ts';
import type { Settings } from './config/settings.ts';
import { commandsOf, queriesOf, type CallTargets } from './control-calls.ts';
import { ControlServer } from './control/control-server.ts';
import type { NodeRecord } from './node-record.ts';
import type { Publisher } from './telemetry/publisher.ts';

export interface ControlSite {
  readonly distDir: string;
  readonly settings: Settings;
  readonly record: NodeRecord;
  /** What clients show that they may. */
  readonly token: string;
}

export interface ControlServicesDeps {
  readonly targets: CallTargets;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stack: StopStack;
}

/** The control API and the panel; listens when it resolves. */
export async function openControl(
  { distDir, settings, record, token }: ControlSite,
  { targets, publisher, clock, logger, stack }: ControlServicesDeps,
): Promise<ControlServer> {
  const { cloud, door } = targets;
  const control = new ControlServer(
    {
      host: settings.control.host,
      port: settings.control.port,
      preferredPort: record.controlPort,
      token,
      sessionSecret: record.sessionSecret,
      nodeId: record.id,
      panelDir: settings.control.panelDir ?? join(distDir, 'panel'),
    },
    {
      feed: publisher,
      commands: commandsOf(targets),
      queries: queriesOf(targets),
      exports: { usage: (wanted) => cloud.exportUsage(wanted) },
      chat: (request, response) => door.gateway.handleOperatorChat(request, response),
      clock,
      logger,
    },
  );
  await control.start();
  stack.push('control', () => control.stop());
  return control;
}
