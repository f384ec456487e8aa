import { controlPaths } from '../contract/control.ts';

/** Where the panel's window may go, and what may be handed to the desktop. Pure; everything not named is refused. */

/** Sites whose pages the product links to. */
const externalHosts: ReadonlySet<string> = new Set([
  'github.com',
  'huggingface.co',
  'ollama.com',
  'nodejs.org',
  'console.anthropic.com',
  'platform.openai.com',
]);

/** Whether the window may go to `target`: only within the control API's own origin, never with a user name in it. */
export function mayNavigate(target: string, panelOrigin: string | null): boolean {
  const url = parse(target);
  return url !== null && panelOrigin !== null && isPlainHttp(url) && url.origin === panelOrigin;
}

/**
 * Whether a file may be saved that came from these addresses, the last one after all redirects: only the node's own
 * exports.
 */
export function mayDownload(addresses: readonly string[], panelOrigin: string | null): boolean {
  const last = parse(addresses.at(-1) ?? '');
  return last?.pathname === controlPaths.usageExport && addresses.every((each) => mayNavigate(each, panelOrigin));
}

/** Whether `target` may be opened by the desktop's browser: https, a site on the list, nothing unusual in the address. */
export function mayOpenExternally(target: string): boolean {
  const url = parse(target);
  return (
    url?.protocol === 'https:' &&
    url.username === '' &&
    url.password === '' &&
    url.port === '' &&
    externalHosts.has(url.hostname)
  );
}

/** The origin of a loopback http address, or null when it is anything else: the panel is only ever served there. */
export function loopbackOrigin(address: string): string | null {
  const url = parse(address);
  if (url === null || !isPlainHttp(url)) return null;
  return ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname) ? url.origin : null;
}

function isPlainHttp(url: URL): boolean {
  return url.protocol === 'http:' && url.username === '' && url.password === '';
}

function parse(address: string): URL | null {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}
