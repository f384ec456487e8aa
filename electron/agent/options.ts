import { parseArgs } from 'node:util';
import { AppError } from './base/errors.ts';

/** What the agent's command line says. */
export interface AgentArguments {
  /** Absolute path; null for the usual place. */
  readonly dataDir: string | null;
  /** Dotted setting → text. */
  readonly overrides: ReadonlyMap<string, string>;
}

/**
 * Reads the agent's arguments. `--gateway HOST:PORT`, `--control HOST:PORT` and `--log-level` are other names for
 * settings; `--set section.key=value` sets any, and the later one wins.
 *
 * @throws AppError `invalid_request` for what is not understood.
 */
export function readAgentArguments(args: readonly string[]): AgentArguments {
  const values = parse(args);
  if (values['data-dir'] === '') throw new AppError('invalid_request', '--data-dir needs a folder, not nothing.');
  const overrides = new Map<string, string>();
  for (const listener of ['gateway', 'control'] as const) {
    const address = values[listener];
    if (address === undefined) continue;
    const { host, port } = splitAddress(`--${listener}`, address);
    if (host !== null) overrides.set(`${listener}.host`, host);
    overrides.set(`${listener}.port`, port);
  }
  if (values['log-level'] !== undefined) overrides.set('log.level', values['log-level']);
  for (const assignment of values.set ?? []) {
    const equals = assignment.indexOf('=');
    if (equals < 1) throw new AppError('invalid_request', `--set needs section.key=value, not "${assignment}".`);
    overrides.set(assignment.slice(0, equals), assignment.slice(equals + 1));
  }
  return { dataDir: values['data-dir'] ?? null, overrides };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        'data-dir': { type: 'string' },
        gateway: { type: 'string' },
        control: { type: 'string' },
        set: { type: 'string', multiple: true },
        'log-level': { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new AppError(
      'invalid_request',
      error instanceof Error ? error.message : 'These arguments are not understood.',
      {
        cause: error,
      },
    );
  }
}

/** HOST:PORT, [IPv6]:PORT, :PORT or PORT. */
function splitAddress(option: string, text: string): { host: string | null; port: string } {
  const match = /^(?:(?<host>\[[0-9a-fA-F:]+\]|[^:[\]]+)?:)?(?<port>\d{1,5})$/.exec(text);
  const port = match?.groups?.['port'];
  if (port === undefined)
    throw new AppError('invalid_request', `${option} needs HOST:PORT, such as 127.0.0.1:8080, not "${text}".`);
  const host = match?.groups?.['host']?.replace(/^\[|\]$/g, '') ?? null;
  return { host: host === 'localhost' ? '127.0.0.1' : host, port };
}
