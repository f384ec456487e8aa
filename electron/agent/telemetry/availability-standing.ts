import type { EngineSnapshot } from '../../contract/snapshot.ts';
import { assertNever } from '../base/errors.ts';

/** Whether an engine counts as ready now. `left-out`: it is not meant to run, which is no outage. */
export type Standing =
  { readonly kind: 'ready' } | { readonly kind: 'down'; readonly cause: string } | { readonly kind: 'left-out' };

/**
 * Judges an engine for its availability. What the operator stopped is left out, as is an engine that has not been ready
 * since the agent started and is not there; one of someone else's that went away is an outage, since nobody here wanted
 * that.
 */
export function standingOf(engine: EngineSnapshot, wasReady: boolean): Standing {
  switch (engine.state) {
    case 'ready':
    case 'adopted':
    case 'draining':
      return { kind: 'ready' };
    case 'starting':
    case 'loading':
    case 'backoff':
    case 'failed':
    case 'conflict':
      return { kind: 'down', cause: causeOf(engine) };
    case 'absent':
      return wasReady ? { kind: 'down', cause: causeOf(engine) } : { kind: 'left-out' };
    case 'stopped':
      return wasReady && engine.ownership === 'adopted'
        ? { kind: 'down', cause: causeOf(engine) }
        : { kind: 'left-out' };
    case 'stopping':
      return { kind: 'left-out' };
    default:
      return assertNever(engine.state);
  }
}

/** The exit that led to the present state says more than "it is starting". */
function causeOf({ lastExit, since, sentence }: EngineSnapshot): string {
  const recent = lastExit !== null && Date.parse(since) - Date.parse(lastExit.at) < recentMs;
  return recent ? `The engine ${lastExit.reason}.` : sentence;
}

/** The longest pause before a start is a minute. */
const recentMs = 90_000;

/** The node is ready while anything answers. Where every engine is left out, so is the node. */
export function standingOfNode(ready: boolean, engines: readonly Standing[]): Standing {
  if (ready) return { kind: 'ready' };
  const down = engines.find((standing) => standing.kind === 'down');
  if (down) return down;
  // Ready by its state, and yet nothing answers: no model is loaded.
  if (engines.some(({ kind }) => kind === 'ready')) return { kind: 'down', cause: 'No model was loaded.' };
  return { kind: 'left-out' };
}
