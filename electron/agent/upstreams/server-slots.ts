import type { UpstreamRoute } from '../inference/upstream.ts';
import type { ServerSettings } from './server-settings.ts';

/** As many as the settings take. */
const mostSlots = 10_000;

/** Whether the server is asked how much it works on at once. Providers have no such route, and the settings come first. */
export function asksForSlots({ slots, dialect }: ServerSettings, route: UpstreamRoute): boolean {
  return slots === undefined && dialect === 'openai' && route !== 'cloud';
}

/** `total_slots` of an answer to `GET /props`, as llama.cpp's server gives it; null where there is none. */
export function slotsOfProps(json: unknown): number | null {
  if (typeof json !== 'object' || json === null || !('total_slots' in json)) return null;
  const { total_slots: slots } = json;
  if (typeof slots !== 'number' || !Number.isInteger(slots) || slots < 1) return null;
  return Math.min(slots, mostSlots);
}

/**
 * Requests that a server works on side by side: what the settings say, else what it told. Of one that says nothing one is
 * assumed, for what waits here waits in fair turns; a provider has a data centre behind it.
 */
export function slotsOf({ slots }: ServerSettings, route: UpstreamRoute, told: number | null): number {
  return slots ?? told ?? (route === 'cloud' ? 4 : 1);
}
