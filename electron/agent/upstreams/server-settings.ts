import type { Dialect } from '../inference/request.ts';
import type { Capability, TokenPrice } from '../inference/upstream.ts';

/** A model that the operator says a server has. */
export interface ServerModelSettings {
  readonly id: string;
  readonly contextLength?: number | undefined;
  readonly capabilities: readonly Capability[];
}

/** One server of the settings' `upstreams`. */
export interface ServerSettings {
  readonly id: string;
  /** Checked already: https, or http no further than the private network; no password, query or fragment. */
  readonly url: string;
  readonly dialect: Dialect;
  readonly enabled: boolean;
  /** Full path of the file that holds its key; before `keyEnv`. */
  readonly keyFile?: string | undefined;
  readonly keyEnv?: string | undefined;
  /** Left out: it is asked. */
  readonly models?: readonly ServerModelSettings[] | undefined;
  /** Requests that it works on side by side. Left out: it is asked, see {@link slotsOf}. */
  readonly slots?: number | undefined;
  readonly price?: TokenPrice | undefined;
}

/**
 * The servers with an id for each: the first one of a name has it as it is, and `taken` are engines' ids. Places, circuit
 * breakers and traces go by the id, so two with one would be taken for the same.
 */
export function withOwnIds(servers: readonly ServerSettings[], taken: readonly string[]): ServerSettings[] {
  const used = new Set(taken);
  return servers.map((server) => {
    let { id } = server;
    for (let count = 2; used.has(id); count += 1) id = `${server.id}-${count}`;
    used.add(id);
    return id === server.id ? server : { ...server, id };
  });
}
