import type { CloudSnapshot } from '../../../contract/cloud.ts';

/** For whoever wants to go on where no pause was to be ended. Pure. */
export function nothingPaused({ offload, paused }: Pick<CloudSnapshot, 'offload' | 'paused'>): string {
  if (paused !== null) return `There was no pause to end. ${paused.sentence}`;
  return offload === 'off'
    ? 'Nothing was paused. The switch is off, so nothing goes to the cloud.'
    : 'Nothing was paused. Requests go to the cloud as the switch says.';
}
