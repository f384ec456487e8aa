import { type ControlClient } from '../../electron/client/control-client.ts';
import { type NodeSnapshot } from '../../electron/contract/snapshot.ts';

/** How far the node is from answering a request for its default model. */
export type Readiness =
  | { readonly state: 'ready' }
  /** It will be, by itself; the sentence says what it does meanwhile. */
  | { readonly state: 'waiting'; readonly sentence: string }
  /** Somebody has to do something first. */
  | { readonly state: 'stuck'; readonly sentence: string };

/** Judges by the engine that holds the default model, or by the first one if none does yet. */
export function readinessOf({ models, engines }: Pick<NodeSnapshot, 'models' | 'engines'>): Readiness {
  const model = models.find(({ isDefault }) => isDefault);
  const engine = engines.find(({ id }) => id === model?.engineId) ?? engines[0];
  if (engine === undefined) return { state: 'stuck', sentence: 'There is no engine on this node.' };
  switch (engine.state) {
    case 'ready':
    case 'adopted':
      return { state: 'ready' };
    case 'starting':
    case 'loading':
    case 'draining':
    case 'stopping':
    case 'backoff':
      return { state: 'waiting', sentence: engine.sentence };
    case 'absent':
    case 'stopped':
    case 'failed':
    case 'conflict':
      return { state: 'stuck', sentence: engine.sentence };
  }
}

/** Follows the node until it is ready or stuck, or until the signal is aborted; answers the last snapshot seen. */
export async function waitUntilReadyToAnswer(
  client: ControlClient,
  signal: AbortSignal,
  onWait: (sentence: string) => void,
): Promise<NodeSnapshot> {
  let last: NodeSnapshot | undefined;
  let told = '';
  const settled = new AbortController();
  await client.watch(
    (event) => {
      if (event.kind !== 'snapshot') return;
      last = event.snapshot;
      const readiness = readinessOf(last);
      if (readiness.state !== 'waiting') settled.abort();
      else if (readiness.sentence !== told) {
        told = readiness.sentence;
        onWait(told);
      }
    },
    AbortSignal.any([signal, settled.signal]),
  );
  return last ?? client.snapshot();
}
