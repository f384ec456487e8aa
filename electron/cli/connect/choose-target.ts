import type { NodeSnapshot } from '../../contract/snapshot.ts';
import type { Api, Target } from './connection.ts';

/** Where the gateway listens unless it is set otherwise. */
const usualUrl = 'http://127.0.0.1:8080';
/** What stands where a key belongs while the node asks for none: many programs insist on one. */
const noKey = 'ranch-hand';
/** What stands there while the node asks for one and none was named. */
export const missingKey = 'YOUR_KEY';

/** Of a model whose length nobody told. */
const usualContextLength = 32_768;
const mostOutput = 8_192;

/** What was asked for on the command line. */
export interface Wanted {
  readonly api: Api;
  readonly model: string | undefined;
  readonly key: string | undefined;
  readonly url: string | undefined;
}

/** Facts of a running node; null while none runs. */
export type NodeFacts = Pick<NodeSnapshot, 'gateway' | 'models'>;

/** What to connect to, and what a person should know about the choice. */
export function chooseTarget(
  wanted: Wanted,
  node: NodeFacts | null,
): { readonly target: Target; readonly notes: string[] } {
  const model = wanted.model ?? usualModel(node);
  const known = node?.models.find(({ id }) => id === model) ?? (model === 'ranch/auto' ? defaultOf(node) : undefined);
  const contextLength = known?.contextLength ?? usualContextLength;
  const asksForKey = (node?.gateway.keysTotal ?? 0) > 0;
  const notes: string[] = [];
  if (node === null && wanted.url === undefined) {
    notes.push('No agent is running, so this is the usual address. Start one with: ranch-hand agent');
  }
  if (asksForKey && wanted.key === undefined) {
    notes.push(`This node asks for a key. Make one with ranch-hand keys add NAME, then name it with --key.`);
  }
  if (known && wanted.model !== undefined && !known.capabilities.includes('tools')) {
    notes.push(`${model} was not made for tools: programs that need them will not get far with it.`);
  }
  return {
    target: {
      api: wanted.api,
      url: bareUrl(wanted.url ?? node?.gateway.url ?? usualUrl),
      model,
      contextLength,
      maxOutput: Math.max(256, Math.min(mostOutput, Math.floor(contextLength / 2))),
      vision: known?.capabilities.includes('vision') ?? false,
      key: wanted.key ?? (asksForKey ? missingKey : noKey),
    },
    notes,
  };
}

/** `ranch/auto` answers with whatever the node has, so it stands where no real model does yet. */
function usualModel(node: NodeFacts | null): string {
  const found = defaultOf(node);
  return found === undefined || found.selfTest ? 'ranch/auto' : found.id;
}

function defaultOf(node: NodeFacts | null): NodeFacts['models'][number] | undefined {
  const models = node?.models.filter(({ capabilities }) => capabilities.includes('chat')) ?? [];
  return models.find(({ isDefault }) => isDefault) ?? models.find(({ loaded }) => loaded);
}

/** An address as it was typed, without /v1 and slashes at its end: each program gets it as it wants it. */
function bareUrl(url: string): string {
  return url.replace(/\/+$/, '').replace(/\/(?:v1|api)$/, '');
}
