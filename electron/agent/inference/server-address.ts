export interface ServerAddress {
  /** Name or numeric address, without brackets, lower case. */
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** What stands before `/v1/…` and `/api/…`: empty, or begins with a slash and ends without one. */
  readonly basePath: string;
}

/** The address in a server's url. A `/v1` at its end is what many programs want there, and is not taken twice. */
export function addressOf(url: string): ServerAddress {
  const { protocol, hostname, port, pathname } = new URL(url);
  const secure = protocol === 'https:';
  return {
    host: hostname.replace(/^\[|\]$/g, '').toLowerCase(),
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    secure,
    basePath: pathname.replace(/\/+$/, '').replace(/\/v1$/, ''),
  };
}
