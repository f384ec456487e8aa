import type { ServerAddress } from '../inference/server-address.ts';
import type { UpstreamRoute } from '../inference/upstream.ts';

/**
 * What a server counts as: with a price as cloud, else by where it is. One outside of this machine and the private
 * network is cloud without a price too: prompts that go there have left the house.
 */
export function routeOf({ host }: Pick<ServerAddress, 'host'>, hasPrice: boolean): UpstreamRoute {
  if (hasPrice) return 'cloud';
  if (isLoopback(host)) return 'local';
  return isPrivate(host) ? 'peer' : 'cloud';
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(host);
}

/** Private and link-local ranges (RFC 1918, 3927, 4193, 4291), names of the local network, and names without a dot. */
function isPrivate(host: string): boolean {
  return /^(?:10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}|169\.254(?:\.\d{1,3}){2}|f[cd][0-9a-f]{2}:.*|fe[89ab][0-9a-f]:.*|[a-z0-9-]+|[a-z0-9.-]+\.(?:local|lan|home\.arpa))$/.test(
    host,
  );
}
