import { type CommandName } from '../../electron/contract/control.ts';
import { type EngineSnapshot } from '../../electron/contract/snapshot.ts';
import { assertNever } from '../assert-never.ts';

/** A command that an engine's state allows. */
export interface EngineAction {
  readonly command: Extract<CommandName, `engines.${string}`>;
  readonly label: string;
  /** It ends the engine's process, and with it the answers being written. */
  readonly interrupts: boolean;
}

const start: EngineAction = { command: 'engines.start', label: 'Start', interrupts: false };
const startNow: EngineAction = { ...start, label: 'Start now' };
const stop: EngineAction = { command: 'engines.stop', label: 'Stop', interrupts: true };
const restart: EngineAction = { command: 'engines.restart', label: 'Restart', interrupts: true };

/** Who starts and stops an engine that this node does not own; null where the node does. */
export function managerWords(manager: EngineSnapshot['manager']): string | null {
  switch (manager) {
    case 'ranch-hand':
      return null;
    case 'systemd':
      return 'systemd';
    case 'windows-app':
      return 'the Ollama app of Windows';
    case 'someone-else':
      return 'another program or person';
    default:
      return assertNever(manager);
  }
}

/** Why an adopted engine is not started or stopped from here, and how it is. */
export function handsOffReason(engine: Pick<EngineSnapshot, 'manager'>): string {
  switch (engine.manager) {
    case 'systemd':
      return 'It is run by systemd. This node uses it and never stops it; use systemctl to restart it.';
    case 'windows-app':
      return 'It is run by the Ollama app of Windows. This node uses it and never stops it; use the app to restart it.';
    case 'ranch-hand':
    case 'someone-else':
      return 'It was running already. This node uses it and never stops it; whoever started it can.';
    default:
      return assertNever(engine.manager);
  }
}

/** Buttons that an adopted engine shows, all of them disabled. */
export const handsOffActions: readonly EngineAction[] = [start, restart, stop];

/** What may be done to an engine now. Nothing to one that others run, and nothing to one that is not there. */
export function engineActions(engine: Pick<EngineSnapshot, 'state' | 'ownership'>): readonly EngineAction[] {
  if (engine.ownership === 'adopted') return [];
  switch (engine.state) {
    case 'stopped':
    case 'conflict':
      return [start];
    case 'failed':
      return [start, restart];
    case 'backoff':
      return [startNow, stop];
    case 'starting':
    case 'loading':
      return [stop];
    case 'ready':
      return [restart, stop];
    case 'absent':
    case 'draining':
    case 'stopping':
    case 'adopted':
      return [];
    default:
      return assertNever(engine.state);
  }
}
