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
