import type { NodeSnapshot } from '../contract/snapshot.ts';
import { CliError } from './failure.ts';
import { currentAddress, type Session } from './session.ts';
import { stopOnSignals } from './stop.ts';

/**
 * Follows the node until `look` answers something, through restarts of the agent too. Ctrl-C leaves; what was begun
 * goes on in the agent.
 *
 * @throws CliError `interrupted`
 */
export async function followUntil<Result>(
  session: Session,
  look: (snapshot: NodeSnapshot) => Result | null,
  onAway: (message: string) => void = () => undefined,
): Promise<Result> {
  const stop = stopOnSignals();
  const seen = new AbortController();
  let result: { readonly value: Result } | null = null;
  try {
    await session.client.watch(
      (event) => {
        if (event.kind === 'disconnected') {
          onAway(event.message);
          return;
        }
        if (result !== null) return;
        const value = look(event.snapshot);
        if (value === null) return;
        result = { value };
        seen.abort();
      },
      AbortSignal.any([stop.signal, seen.signal]),
      { reconnect: () => currentAddress(session.dataDir) },
    );
  } finally {
    stop.dispose();
  }
  const found = result as { readonly value: Result } | null;
  if (found !== null) return found.value;
  throw new CliError(
    'interrupted',
    'You left; the node goes on with it. See how it goes with: ranch-hand models',
    stop.exitCode,
  );
}
