import { createServer } from 'node:net';

const tries = 20;

/**
 * A port near `taken` that can be listened on at `host` now: one of the next ones, else one that the system chooses.
 * Null when there is none. Somebody else may take it later; it is only a suggestion.
 */
export async function freePortNear(host: string, taken: number): Promise<number | null> {
  for (let port = taken + 1; port <= Math.min(taken + tries, 65_535); port += 1) {
    const free = await tryToListen(host, port);
    if (free !== null) return free;
  }
  return tryToListen(host, 0);
}

function tryToListen(host: string, port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const got = typeof address === 'object' && address !== null ? address.port : null;
      server.close(() => resolve(got));
    });
  });
}
