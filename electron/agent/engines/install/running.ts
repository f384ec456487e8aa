import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { EngineLog } from '../engine-log.ts';
import { bareEnvironment, ProcessTree } from '../supervisor/process-tree.ts';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

const longestLine = 4_096;
const passedOn = [
  'PATH',
  'Path',
  'PATHEXT',
  'SYSTEMDRIVE',
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'NO_PROXY',
  'no_proxy',
  'SSL_CERT_FILE',
];

/** What a build tool gets of the agent's environment: where programs are, and the way to the internet. */
export function toolEnvironment(
  from: Readonly<Record<string, string | undefined>>,
  home: string,
): Record<string, string> {
  const kept = passedOn.flatMap((name) => {
    const value = from[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...bareEnvironment(from), ...Object.fromEntries(kept), HOME: home, GIT_TERMINAL_PROMPT: '0' };
}

/**
 * Runs a program to its end, all it writes in the log. It is killed with everything it started when the signal aborts.
 *
 * @throws AppError `engine_failed` when it cannot be started or ends with another code than 0, `caller_gone`
 */
export async function runCommand(
  command: Command,
  deps: {
    readonly clock: Clock;
    readonly log: EngineLog;
    readonly signal: AbortSignal;
    readonly env: Readonly<Record<string, string>>;
    readonly onLine?: (line: string) => void;
  },
): Promise<void> {
  const gone = new AppError('caller_gone', 'The installation was cancelled.');
  const isAborted = (): boolean => deps.signal.aborted;
  if (isAborted()) throw gone;
  const { program, args } = command;
  deps.log.append('stdout', `$ ${[program, ...args].join(' ')}`);
  const ended = Promise.withResolvers<{ code: number | null; signal: string | null }>();
  let last = '';
  const tree = await ProcessTree.start(
    { executable: program, args, env: deps.env, firstInput: '', longestLine },
    {
      line: (stream, text) => {
        if (text.trim() === '') return;
        last = text.trim();
        deps.log.append(stream, text);
        deps.onLine?.(text);
      },
      exited: (code, signal) => {
        ended.resolve({ code, signal });
      },
    },
    { clock: deps.clock },
  ).catch((error: unknown) => {
    const said = error instanceof Error ? error.message : String(error);
    throw new AppError('engine_failed', `${program} could not be started: ${said}. Install it, then try again.`);
  });
  const kill = (): void => {
    tree.end('now');
  };
  deps.signal.addEventListener('abort', kill, { once: true });
  if (isAborted()) kill();
  const { code, signal } = await ended.promise;
  deps.signal.removeEventListener('abort', kill);
  if (isAborted()) throw gone;
  if (code === 0) return;
  const how = signal === null ? `code ${code}` : `signal ${signal}`;
  const said = last === '' ? '' : ` Its last line: ${last.slice(0, 300)}`;
  throw new AppError('engine_failed', `${program} ended with ${how}. The log has all it wrote.${said}`);
}
