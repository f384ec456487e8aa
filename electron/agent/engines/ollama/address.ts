/** Where an Ollama may answer. */
export interface OllamaAddress {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

const usualAddress: OllamaAddress = { host: '127.0.0.1', port: 11_434 };

/**
 * The address that a text such as OLLAMA_HOST means to Ollama: `host`, `:port`, `host:port`, `[::1]:port`, each with or
 * without a scheme. An address that listens everywhere is reached over loopback. Null when it is another machine's, or
 * none at all.
 */
export function parseOllamaHost(text: string): OllamaAddress | null {
  const trimmed = text.trim().replace(/^["']|["']$/g, '');
  const scheme = /^([a-z]+):\/\//i.exec(trimmed)?.[1]?.toLowerCase() ?? null;
  if (scheme !== null && scheme !== 'http') return null;
  const authority = trimmed.replace(/^[a-z]+:\/\//i, '').split('/')[0] ?? '';
  const parts = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority) ?? bareIpv6(authority);
  if (!parts) return null;
  const host = loopbackOf((parts[1] ?? '').replace(/^\[|\]$/g, ''));
  // With a scheme and no port, Ollama takes the scheme's port.
  const port = parts[2] ? Number(parts[2]) : scheme === 'http' ? 80 : usualAddress.port;
  return host !== null && port >= 1 && port <= 65_535 ? { host, port } : null;
}

/** `http://127.0.0.1:11434`. */
export function urlOf({ host, port }: OllamaAddress): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Where to look for an Ollama that runs: the setting, else OLLAMA_HOST, else its usual address. */
export function addressToTry(
  url: string | null,
  env: Readonly<Record<string, string | undefined>>,
): { readonly address: OllamaAddress; readonly origin: 'settings' | 'environment' | 'usual' } {
  if (url !== null && URL.canParse(url)) {
    const { hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    return { address: { host, port: port === '' ? 80 : Number(port) }, origin: 'settings' };
  }
  const named = parseOllamaHost(env['OLLAMA_HOST'] ?? '');
  return named && (env['OLLAMA_HOST'] ?? '').trim() !== ''
    ? { address: named, origin: 'environment' }
    : { address: usualAddress, origin: 'usual' };
}

function bareIpv6(authority: string): RegExpExecArray | null {
  return (authority.match(/:/g) ?? []).length > 1 ? /^(.*)()$/.exec(authority) : null;
}

/** Null for another machine. */
function loopbackOf(host: string): string | null {
  switch (host.toLowerCase()) {
    case '':
    case '0.0.0.0':
    case 'localhost':
      return '127.0.0.1';
    case '::':
    case '::1':
      return '::1';
    default:
      return /^127(?:\.\d{1,3}){3}$/.test(host) ? host : null;
  }
}
