import { AppError } from './errors.ts';

/** What the judgement reads of a request; `http.IncomingMessage` has this shape. */
export interface LocalRequest {
  /** The request target as it stood in the request line. */
  readonly url?: string | undefined;
  /** Names and values by turns, as received, doubles included. */
  readonly rawHeaders: readonly string[];
}

export interface LocalRequestRules {
  /** The port that the listener was bound to; a Host or Origin with any other is refused. */
  readonly port: number;
  /**
   * Names and addresses by which callers may address the listener, lower case, IPv6 in brackets. Default:
   * {@link loopbackHosts}; a listener on the network names those of its machine too.
   */
  readonly hosts?: readonly string[];
  /**
   * Names that mean the listener with any port and with none, lower case: a proxy in front of it hands on the Host that
   * its own callers sent. Only what the operator listed: a page that had its own name resolve to this machine is known
   * by that name, and is never among these. A name that the machine gives itself comes with the listener's port.
   */
  readonly anyPortHosts?: readonly string[];
  /** Origins allowed besides the listener's own, such as `http://127.0.0.1:5173`. */
  readonly origins?: readonly string[];
}

/** How programs on this machine name it. */
export const loopbackHosts: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/** Path bytes that only attacks use: dot segments or backslashes, encoded or not, NUL, and anything not printable. */
const hostilePath = /%2e%2e|%2e\.|\.%2e|(^|\/)\.\.?(\/|$)|(^|\/)%2e(\/|$)|%5c|%00|\\|[^\x21-\x7e]/i;

/**
 * Judges whether a request comes from a program that means this listener and not, by way of a browser, from a web page: DNS rebinding shows in Host, foreign pages show in Origin and Sec-Fetch-Site. A head that two readers
 * would understand differently does not pass either. Pure; call it before anything else is read of the request.
 *
 * @returns null when it may pass, else the error to answer with (`wrong_host`, `forbidden` or `invalid_request`)
 */
export function judgeLocalRequest(request: LocalRequest, rules: LocalRequestRules): AppError | null {
  return (
    judgeTarget(request.url ?? '') ??
    judgeHost(request, rules) ??
    judgeOrigin(request, rules) ??
    judgeTransferCoding(request)
  );
}

/** All values of one header, in order. `name` is lower case. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const raw = rawHeaders[at];
    // By length first: asked for many names on every request, most of which are not there.
    if (raw?.length === name.length && raw.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? '');
  }
  return values;
}

function judgeTarget(url: string): AppError | null {
  if (!url.startsWith('/')) {
    return new AppError('invalid_request', 'The request target must be a path. Send it without a scheme and host.');
  }
  // To whatever resolves it against a base, a second slash makes the first segment a host.
  if (url.startsWith('//')) {
    return new AppError('invalid_request', 'The request target begins with two slashes. Send it with one.');
  }
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  if (!hostilePath.test(path)) return null;
  return new AppError('invalid_request', 'The path has characters that no route uses. Check the address.');
}

function judgeHost(request: LocalRequest, rules: LocalRequestRules): AppError | null {
  const hosts = headerValues(request.rawHeaders, 'host');
  if (hosts.length !== 1) {
    return new AppError('invalid_request', 'A request needs exactly one Host header.');
  }
  if (isAddress(hosts[0]?.toLowerCase() ?? '', rules)) return null;
  return new AppError(
    'wrong_host',
    `The Host header does not name this listener. Use ${rules.hosts?.[0] ?? '127.0.0.1'}:${rules.port}.`,
  );
}

function judgeOrigin(request: LocalRequest, rules: LocalRequestRules): AppError | null {
  for (const origin of headerValues(request.rawHeaders, 'origin')) {
    const own = [...addresses(rules).map((address) => `http://${address}`), ...proxiedOrigins(request, rules)];
    if (own.includes(origin.toLowerCase()) || rules.origins?.includes(origin) === true) continue;
    return new AppError('forbidden', 'Web pages of other origins may not use this address. Call it from a program.');
  }
  const originsAllowed = rules.origins !== undefined && rules.origins.length > 0;
  for (const site of headerValues(request.rawHeaders, 'sec-fetch-site')) {
    if (site === 'same-origin' || site === 'none') continue;
    // An allowed foreign origin has already been checked by name above; without an Origin there is nothing to trust.
    if (originsAllowed && headerValues(request.rawHeaders, 'origin').length > 0) continue;
    return new AppError('forbidden', 'Web pages of other sites may not use this address. Call it from a program.');
  }
  return null;
}

/** Node's parser decodes chunks only, and takes what a coding before them made for the body itself. */
function judgeTransferCoding(request: LocalRequest): AppError | null {
  const codings = headerValues(request.rawHeaders, 'transfer-encoding');
  if (codings.length === 0 || (codings.length === 1 && codings[0]?.toLowerCase() === 'chunked')) return null;
  return new AppError('invalid_request', 'The only Transfer-Encoding here is chunked. Send the body without another.');
}

/** The same as looking into {@link addresses}, without making the list for every request. */
function isAddress(host: string, { port, hosts = loopbackHosts, anyPortHosts = [] }: LocalRequestRules): boolean {
  const ending = `:${port}`;
  if (host.endsWith(ending) && hosts.includes(host.slice(0, -ending.length))) return true;
  return (port === 80 && hosts.includes(host)) || isWithAnyPort(host, anyPortHosts);
}

function isWithAnyPort(host: string, names: readonly string[]): boolean {
  if (names.length === 0) return false;
  const colon = host.indexOf(':');
  if (colon === -1) return names.includes(host);
  const port = host.slice(colon + 1);
  return /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535 && names.includes(host.slice(0, colon));
}

/** The request's own origin where it came by way of a proxy, which may have taken the TLS off. */
function proxiedOrigins({ rawHeaders }: LocalRequest, { anyPortHosts = [] }: LocalRequestRules): string[] {
  const host = headerValues(rawHeaders, 'host')[0]?.toLowerCase() ?? '';
  return isWithAnyPort(host, anyPortHosts) ? [`https://${host}`, `http://${host}`] : [];
}

function addresses(rules: LocalRequestRules): string[] {
  const hosts = rules.hosts ?? loopbackHosts;
  const withPort = hosts.map((host) => `${host}:${rules.port}`);
  // Port 80 is the one that clients leave out.
  return rules.port === 80 ? [...withPort, ...hosts] : withPort;
}
