import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assertNever } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import { keyringReplySchema, type KeyringReply, type KeyringRequest } from './keyring-protocol.ts';

/** How the system's keyring took a request. */
export type KeyringAnswer =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'done' }
  /** There is no keyring here, or none that this program can use; `why` goes behind a "because". */
  | { readonly kind: 'absent'; readonly why: string }
  /** There is one, and it does not open. `dismissed`: a person said no, and is not asked again unasked. */
  | { readonly kind: 'locked'; readonly dismissed: boolean };

/** The system's keyring, one entry for each provider. Nothing here rejects. */
export interface KeyringPort {
  /** Why there can be none, as far as that is known without asking anybody; null where there may be one. */
  absence(): string | null;
  ask(request: KeyringRequest): Promise<KeyringAnswer>;
  /** Ends what is under way. */
  stop(): void;
}

export interface KeyringOptions {
  /** The program in `keyring-child.ts`, as this build has it. */
  readonly childFile: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long a person may take to unlock it, milliseconds. Default: 100 seconds, which callers of the agent wait for. */
  readonly promptMs?: number;
}

const defaultPromptMs = 100_000;
const mostReplyBytes = 64 * 1024;

/** What the libraries of the three systems look at. Nothing else of the agent's environment reaches the child. */
const passedOn: readonly string[] = [
  'DBUS_SESSION_BUS_ADDRESS',
  'XDG_RUNTIME_DIR',
  'XDG_DATA_HOME',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'HOME',
  'USER',
  'LOGNAME',
  'PATH',
  'LANG',
  'TMPDIR',
  'SystemRoot',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'TEMP',
];

/** Asks the keyring in a short-lived process for each request, one at a time: two would be two windows on a screen. */
export class Keyring implements KeyringPort {
  readonly #options: KeyringOptions;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: KeyringOptions, deps: { readonly clock: Clock }) {
    this.#options = options;
    this.#clock = deps.clock;
  }

  absence(): string | null {
    const { platform, env } = this.#options;
    if (platform !== 'linux') return null;
    const { DBUS_SESSION_BUS_ADDRESS: address = '', XDG_RUNTIME_DIR: runtime = '' } = env;
    if (address !== '' || (runtime !== '' && existsSync(join(runtime, 'bus')))) return null;
    return 'this node runs outside of a desktop session, and only those have a keyring';
  }

  ask(request: KeyringRequest): Promise<KeyringAnswer> {
    const why = this.absence();
    if (why !== null) return Promise.resolve({ kind: 'absent', why });
    const answer = this.#turn.then(() => this.#run(request));
    this.#turn = answer;
    return answer;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #run(request: KeyringRequest): Promise<KeyringAnswer> {
    const { signal } = this.#stopping;
    if (signal.aborted) return { kind: 'locked', dismissed: true };
    const reply = await this.#exchange(request, signal);
    return reply === null ? { kind: 'locked', dismissed: false } : answerOf(reply);
  }

  /** Null when the child gave no answer in time, or none at all. */
  #exchange(request: KeyringRequest, signal: AbortSignal): Promise<KeyringReply | null> {
    const { childFile, env, promptMs = defaultPromptMs } = this.#options;
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [childFile], {
        env: environmentFrom(env),
        stdio: ['pipe', 'pipe', 'ignore'],
        windowsHide: true,
      });
      let text = '';
      const kill = (): void => {
        child.kill('SIGKILL');
      };
      const cancel = this.#clock.after(promptMs, kill);
      signal.addEventListener('abort', kill, { once: true });
      const finish = (): void => {
        cancel();
        signal.removeEventListener('abort', kill);
        resolve(replyIn(text));
      };
      child.once('error', finish);
      child.once('close', finish);
      child.stdout.setEncoding('utf8').on('data', (piece: string) => {
        if (text.length < mostReplyBytes) text += piece;
      });
      // It may end before it has read all.
      child.stdin.on('error', () => undefined);
      // Left open: its end tells the child that nobody waits any more.
      child.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }
}

/** What the keyring's own words mean. Whatever is not surely an absence counts as locked: that keeps keys off the disk. */
export function answerOf(reply: KeyringReply): KeyringAnswer {
  switch (reply.kind) {
    case 'value':
    case 'none':
    case 'done':
      return reply;
    case 'no-library':
      return { kind: 'absent', why: 'the library that speaks with keyrings is not installed for this platform' };
    case 'failed':
      if (/dismissed|cancell?ed/i.test(reply.message)) return { kind: 'locked', dismissed: true };
      if (absent.test(reply.message)) return { kind: 'absent', why: 'no program on this system keeps a keyring' };
      return { kind: 'locked', dismissed: false };
    default:
      return assertNever(reply);
  }
}

/** D-Bus's names for "nobody is there", and those of its socket. */
const absent =
  /ServiceUnknown|NameHasNoOwner|Spawn\.(?:ServiceNotFound|ExecFailed|ChildExited|Failed)|not provided by any \.service|not activatable|No such file or directory|Connection refused|autolaunch|NotSupported|no default (?:credential )?store/i;

function environmentFrom(env: KeyringOptions['env']): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of passedOn) {
    const value = env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function replyIn(text: string): KeyringReply | null {
  try {
    return keyringReplySchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
