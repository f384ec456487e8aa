import path from 'node:path';
import type { EngineStateName } from '../../../contract/snapshot.ts';
import { readProps, type ServerProps } from './server-props.ts';
import { isRecord } from './small-request.ts';

/** What one look at a server that somebody else runs came to. */
export type Poll =
  | { readonly kind: 'answer'; readonly status: number; readonly json: unknown; readonly aliases: unknown }
  /** Nobody listens, or the connection broke. */
  | { readonly kind: 'refused' }
  /** It listens and said nothing in time. */
  | { readonly kind: 'silence' };

interface Common {
  /** Wall-clock milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly silentPolls: number;
}

export type AdoptedState =
  | (Common & { readonly kind: 'unseen' })
  | (Common & { readonly kind: 'loading' })
  | (Common & {
      readonly kind: 'up';
      readonly props: ServerProps;
      readonly json: unknown;
      /** Answer of its `/v1/models`. */
      readonly aliases: unknown;
      /** Changes when its owner gave it another model. */
      readonly identity: string;
    })
  | (Common & { readonly kind: 'gone' })
  | (Common & { readonly kind: 'silent' })
  /** It wants another key. */
  | (Common & { readonly kind: 'locked' })
  /** Something else answers there. */
  | (Common & { readonly kind: 'foreign' })
  /** The node no longer uses it. */
  | (Common & { readonly kind: 'left' });

/** Such a server may say nothing while it reads a long prompt: silence counts only when it lasts and no answer runs. */
const mostSilentPolls = 12;

/** What a look makes of what was known. Pure. */
export function judgePoll(
  before: AdoptedState,
  poll: Poll,
  now: { readonly nowMs: number; readonly busy: boolean },
): AdoptedState {
  const since = (kind: AdoptedState['kind']): Common => ({
    sinceMs: before.kind === kind ? before.sinceMs : now.nowMs,
    silentPolls: 0,
  });
  switch (poll.kind) {
    case 'refused': {
      if (before.kind === 'unseen') return { ...before, silentPolls: 0 };
      return { kind: 'gone', ...since('gone') };
    }
    case 'silence': {
      const silentPolls = now.busy ? 0 : before.silentPolls + 1;
      if (silentPolls < mostSilentPolls) return { ...before, silentPolls };
      return { kind: 'silent', ...since('silent'), silentPolls };
    }
    case 'answer': {
      if (poll.status === 503) return { kind: 'loading', ...since('loading') };
      if (poll.status === 401 || poll.status === 403) return { kind: 'locked', ...since('locked') };
      const props = poll.status === 200 ? readProps(poll.json) : null;
      if (!props) return { kind: 'foreign', ...since('foreign') };
      const identity = JSON.stringify([props.modelPath, props.slots, props.contextLength, props.build]);
      const same = before.kind === 'up' && before.identity === identity;
      return {
        kind: 'up',
        sinceMs: same ? before.sinceMs : now.nowMs,
        silentPolls: 0,
        props,
        json: poll.json,
        aliases: poll.aliases,
        identity,
      };
    }
  }
}

/** The state as every surface names it. */
export function pollState({ kind }: AdoptedState): EngineStateName {
  switch (kind) {
    case 'up':
      return 'adopted';
    case 'loading':
      return 'loading';
    case 'unseen':
    case 'gone':
    case 'foreign':
    case 'locked':
      return 'absent';
    case 'silent':
    case 'left':
      return 'stopped';
  }
}

/** How callers name the model: the server's own name for it, where that is a path, the file's name without ending. */
export function adoptedModelId(models: unknown, modelPath: string | null): string | null {
  const list = isRecord(models) && Array.isArray(models['data']) ? (models['data'] as unknown[]) : [];
  const [first] = list;
  const told = isRecord(first) && typeof first['id'] === 'string' ? first['id'] : null;
  const name = told ?? modelPath;
  if (name === null || name === '') return null;
  if (!/[/\\]|\.gguf$/i.test(name)) return name;
  return path.posix
    .basename(name.replaceAll('\\', '/'))
    .replace(/\.gguf$/i, '')
    .toLowerCase();
}

/** The state in words, with what to do where something is wrong. */
export function adoptedSentence(
  { kind }: AdoptedState,
  { name, url, keyHint }: { readonly name: string; readonly url: string; readonly keyHint: string },
): string {
  switch (kind) {
    case 'up':
      return `${name} at ${url} is used as it is.`;
    case 'loading':
      return `${name} at ${url} is loading its model.`;
    case 'unseen':
      return `Nothing answers at ${url}. Start ${name} there, or remove its address from the settings.`;
    case 'gone':
      return `${name} at ${url} has gone away. It is used again as soon as it is back.`;
    case 'silent':
      return `${name} at ${url} does not answer any more. Look at it there, and restart it.`;
    case 'locked':
      return `${name} at ${url} refuses the key. ${keyHint}`;
    case 'foreign':
      return `What answers at ${url} is no ${name}. Correct its address in the settings.`;
    case 'left':
      return `${name} at ${url} is not used. Start the engine to use it again.`;
  }
}
