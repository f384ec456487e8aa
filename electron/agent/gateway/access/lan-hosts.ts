import type { NetworkInterfaceInfo } from 'node:os';
import { loopbackHosts } from '../../base/local-request.ts';
import type { Clock } from '../../base/clock.ts';

/** As `os.networkInterfaces()` tells it. */
export type Interfaces = Readonly<Partial<Record<string, readonly Pick<NetworkInterfaceInfo, 'address' | 'family'>[]>>>;

/** What this machine is called on the network. */
export interface MachineNames {
  /** As `os.hostname()` tells it: with its domain or without. */
  readonly hostname: string;
  readonly interfaces: Interfaces;
  /** More names, from the settings. */
  readonly names: readonly string[];
}

/**
 * What a Host header may say to a listener on the network: every address and name of this machine, and nothing else. A
 * page that had its own name resolve to an address of ours is known by that name. Lower case, IPv6 in brackets.
 */
export function lanHosts({ hostname, interfaces, names }: MachineNames): string[] {
  const full = hostname.toLowerCase();
  const short = full.split('.', 1)[0] ?? '';
  const own = short === '' ? [] : [full, short, `${short}.local`];
  const addresses = Object.values(interfaces)
    .flatMap((each) => each ?? [])
    .map(({ address, family }) => (family === 'IPv6' ? bracketed(address) : address));
  return [...new Set([...loopbackHosts, ...own, ...addresses, ...names.map((name) => name.toLowerCase())])];
}

/** Without the zone, which names an interface of the caller and is not sent. */
function bracketed(address: string): string {
  return `[${(address.split('%', 1)[0] ?? '').toLowerCase()}]`;
}

/** Addresses where programs on the network find the node, IPv4 first; neither loopback nor bound to one cable. */
export function lanAddresses(interfaces: Interfaces): string[] {
  const all = Object.values(interfaces).flatMap((each) => each ?? []);
  const four = all.filter(({ family, address }) => family === 'IPv4' && !/^(?:127|169\.254)\./.test(address));
  const six = all.filter(
    ({ family, address }) => family === 'IPv6' && address !== '::1' && !/^fe[89ab]/i.test(address),
  );
  return [...four.map(({ address }) => address), ...six.map(({ address }) => bracketed(address))];
}

/** The address to bind for all networks: one socket for IPv6 and IPv4, where the machine has IPv6 at all. */
export function everyAddress(interfaces: Interfaces): '::' | '0.0.0.0' {
  const all = Object.values(interfaces).flatMap((each) => each ?? []);
  return all.some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0';
}

/** How old the list may be. Asking the system on each request would cost more than the request's other checks together. */
const freshMs = 1_000;

/** {@link lanHosts}, always as the machine is now: it joins networks and leaves them while the agent runs. */
export class LiveHosts {
  readonly #names: () => MachineNames;
  readonly #clock: Clock;
  #hosts: readonly string[] = [];
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(deps: { readonly names: () => MachineNames; readonly clock: Clock }) {
    this.#names = deps.names;
    this.#clock = deps.clock;
  }

  list(): readonly string[] {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#readMs >= freshMs) {
      this.#hosts = lanHosts(this.#names());
      this.#readMs = nowMs;
    }
    return this.#hosts;
  }
}
