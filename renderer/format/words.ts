import { type RouteReason } from '../../electron/contract/routing.ts';
import {
  type ActivityEntry,
  type EngineKind,
  type EngineStateName,
  type NodeState,
} from '../../electron/contract/snapshot.ts';
import { assertNever } from '../assert-never.ts';

/** What a colour means on this page. */
export type Tone = 'well' | 'busy' | 'wrong' | 'elsewhere' | 'quiet';

const nodeStates: Readonly<Record<NodeState, { word: string; tone: Tone }>> = {
  idle: { word: 'Idle', tone: 'well' },
  serving: { word: 'Serving', tone: 'well' },
  saturated: { word: 'Saturated', tone: 'busy' },
  cloud: { word: 'In the cloud', tone: 'elsewhere' },
  stopped: { word: 'Stopped', tone: 'quiet' },
  problem: { word: 'Problem', tone: 'wrong' },
};

/** A node's state as a word and a colour. */
export function nodeStateWord(state: NodeState): { word: string; tone: Tone } {
  return nodeStates[state];
}

const engineStates: Readonly<Record<EngineStateName, { word: string; tone: Tone }>> = {
  absent: { word: 'Not installed', tone: 'quiet' },
  starting: { word: 'Starting', tone: 'busy' },
  loading: { word: 'Loading the model', tone: 'busy' },
  ready: { word: 'Ready', tone: 'well' },
  draining: { word: 'Finishing its answers', tone: 'busy' },
  stopping: { word: 'Stopping', tone: 'busy' },
  stopped: { word: 'Stopped', tone: 'quiet' },
  backoff: { word: 'Waiting to restart', tone: 'busy' },
  failed: { word: 'Failed', tone: 'wrong' },
  adopted: { word: 'Ready, run by others', tone: 'well' },
  conflict: { word: 'Conflict', tone: 'wrong' },
};

/** An engine's state as a word and a colour. */
export function engineStateWord(state: EngineStateName): { word: string; tone: Tone } {
  return engineStates[state];
}

const engineKinds: Readonly<Record<EngineKind, string>> = {
  embedded: 'Embedded engine',
  ollama: 'Ollama',
  'llama-server': 'llama-server',
  bitnet: 'BitNet',
};

/** An engine's kind by the name that people know it under. */
export function engineKindName(kind: EngineKind): string {
  return engineKinds[kind];
}

const reasons: Readonly<Record<RouteReason, string>> = {
  'local-idle': 'a slot was free here',
  'local-queue': 'waited for a slot here',
  'local-loading': 'waited while a model was loaded here',
  'local-cached': 'its chat is in this engine’s cache',
  'local-routine': 'routine work waits here',
  'local-not-ready': 'no engine was ready',
  'peer-faster': 'a peer begins sooner',
  'peer-cached': 'its chat is in a peer’s cache',
  'peer-only': 'only a peer has the model',
  'cloud-saturated': 'this node was saturated',
  'cloud-requested': 'the cloud was asked for',
  fallback: 'the first choice failed',
  'no-budget': 'no money left for the cloud',
  'offload-off': 'offloading is off',
  ceiling: 'it may not leave that far',
  'key-limit': 'the key’s limit was reached',
  loop: 'it came from this node already',
  'unknown-model': 'no such model here',
  'bad-request': 'the request was not valid',
  unauthorized: 'the key was missing or wrong',
  'not-found': 'no such address',
  'too-busy': 'no slot and no room in the queue',
  'shutting-down': 'the node was stopping',
  'local-failed': 'the engine failed',
  'caller-gone': 'the caller hung up',
};

/** Why a request went where it went, in words; a reason newer than this page is shown as it is. */
export function reasonWords(reason: string): string {
  return Object.entries(reasons).find(([code]) => code === reason)?.[1] ?? reason;
}

const routes: Readonly<Record<ActivityEntry['route'], string>> = {
  local: 'Here',
  peer: 'A peer',
  cloud: 'Cloud',
  none: 'Nowhere',
};

/** Where a request went, in a word or two. */
export function routeWord(route: ActivityEntry['route']): string {
  return routes[route];
}

/** How a request stands: its state, with the HTTP status once there is one. */
export function activityStatus(entry: Pick<ActivityEntry, 'state' | 'status'>): { word: string; tone: Tone } {
  const status = entry.status === null ? '' : ` ${entry.status}`;
  switch (entry.state) {
    case 'running':
      return { word: 'Running', tone: 'busy' };
    case 'done':
      return { word: `Done${status}`, tone: 'well' };
    case 'aborted':
      return { word: 'Hung up', tone: 'quiet' };
    case 'failed':
      return { word: `Failed${status}`, tone: 'wrong' };
    default:
      return assertNever(entry.state);
  }
}
