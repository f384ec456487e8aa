import { type NodeSnapshot } from '../../electron/contract/snapshot.ts';

/** What the offload switch means at present. */
export function offloadSentence(cloud: Pick<NodeSnapshot['cloud'], 'offload' | 'providers'>): string {
  if (cloud.offload === 'off') return 'Every request stays on this machine.';
  const rule =
    cloud.offload === 'auto'
      ? 'Requests go to the cloud when this node is busy, or when their priority is high.'
      : 'Requests go to the cloud first.';
  return cloud.providers.length === 0 ? `${rule} No provider is set up, so none does.` : rule;
}
