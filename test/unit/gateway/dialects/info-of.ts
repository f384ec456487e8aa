import { policySchema } from '../../../../electron/contract/keys.ts';
import type { InfoRequest } from '../../../../electron/agent/gateway/dialects/surface.ts';
import { Catalogue } from '../../../../electron/agent/gateway/names/catalogue.ts';
import type { NameSettings } from '../../../../electron/agent/gateway/names/resolve-name.ts';
import type { UpstreamDescription } from '../../../../electron/agent/inference/upstream.ts';

interface InfoChange extends Partial<Pick<InfoRequest, 'body' | 'nowMs'>> {
  readonly names?: NameSettings;
}

/** What a route that only tells something is asked by a caller without limits, offloading being off. */
export function infoOf(
  upstreams: readonly UpstreamDescription[],
  { names = {}, ...change }: InfoChange = {},
): InfoRequest {
  const catalogue = new Catalogue(
    { names, policy: policySchema.parse({}), upstreams },
    { offload: () => 'off', standIns: () => [] },
  );
  return {
    models: () => catalogue.list(),
    find: (name) => catalogue.find(name),
    id: null,
    body: null,
    nowMs: 0,
    version: '1.2.3',
    ...change,
  };
}
