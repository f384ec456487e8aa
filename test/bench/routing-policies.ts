import type { Estimate } from '../../electron/contract/trace.ts';
import { planRoute } from '../../electron/agent/gateway/routing/plan-route.ts';
import type { RouteAsk, RouteOption } from '../../electron/agent/gateway/routing/plan.ts';
import type { ServedModel } from '../../electron/agent/inference/upstream.ts';
import {
  decodeMs,
  engine,
  goalMs,
  hopMs,
  readMs,
  type Ask,
  type Known,
  type Node,
  type Policy,
} from './routing-world.ts';

/** Each node keeps what its own programs ask. */
export const alone: Policy = {
  name: 'each node alone',
  choose: ({ chat }) => ({ node: chat.home, delayMs: 0 }),
};

/** The node with the fewest requests, by what is known of all; the own one, which is known exactly, if it has as few. */
export const leastLoaded: Policy = {
  name: 'least loaded',
  choose: ({ chat }, nodes, known) => {
    let best = chat.home;
    let fewest = nodes[best]?.present ?? 0;
    for (const [id, { present }] of known.entries()) {
      if (id === chat.home || present >= fewest) continue;
      best = id;
      fewest = present;
    }
    return { node: best, delayMs: best === chat.home ? 0 : hopMs };
  },
};

const model: ServedModel = {
  id: 'model',
  contextLength: null,
  capabilities: ['chat'],
  sizeBytes: 1,
  loaded: true,
  createdAtS: 0,
};

const attempts = 3;

/**
 * The product's own router. A peer looks again at what it has, and refuses what it could neither begin in time nor sooner
 * than the node that asks.
 */
export const product: Policy = {
  name: 'planRoute',
  choose: (ask, nodes, known, nowMs) => {
    const plan = planRoute(
      routeAsk(ask),
      nodes.map((node) => optionOf(ask, node, nodes, known, nowMs)),
      { nodeId: `${ask.chat.home}`, goalMs, offload: 'off', mostWaitMs: 60_000, seed: `${ask.chat.id} ${ask.turn}` },
    );
    if (plan.kind === 'refused') throw plan.error;
    const home = plan.candidates.find(({ upstream }) => upstream.id === `${ask.chat.home}`);
    const atMost = Math.max(goalMs, home?.estimate.ttftMs ?? 0);
    let delayMs = 0;
    for (const { upstream } of plan.candidates.slice(0, attempts)) {
      const node = nodes[Number(upstream.id)];
      if (!node) throw new Error('planRoute chose a node that is not there');
      if (node.id === ask.chat.home) return { node: node.id, delayMs };
      delayMs += hopMs;
      if (estimateAt(ask, node, node.expectedWaitMs(nowMs), 0).ttftMs <= atMost) return { node: node.id, delayMs };
    }
    return { node: ask.chat.home, delayMs };
  },
};

function routeAsk({ promptTokens }: Ask): RouteAsk {
  return {
    operation: 'chat',
    dialect: 'openai',
    target: { kind: 'policy', policy: 'ranch/auto' },
    needs: ['chat'],
    priority: 'normal',
    ceiling: 'ranch',
    maxCostUsd: null,
    promptTokens,
    maxTokens: null,
    hops: [],
    allowedModels: null,
  };
}

function optionOf(ask: Ask, node: Node, nodes: readonly Node[], known: readonly Known[], nowMs: number): RouteOption {
  const { chat } = ask;
  const isHere = node.id === chat.home;
  const last = chat.last === null ? undefined : nodes[chat.last];
  const lost = last === undefined || last === node ? 0 : last.cachedTokens(chat);
  return {
    upstream: {
      id: `${node.id}`,
      route: isHere ? 'local' : 'peer',
      dialects: ['openai'],
      operations: ['chat'],
      ready: true,
      sentence: 'Ready.',
      models: [model],
      defaultModel: model.id,
      slots: engine.slots,
    },
    breaker: { kind: 'closed' },
    hasSession: chat.last === node.id,
    estimate: () => {
      const waitMs = isHere ? node.expectedWaitMs(nowMs) : (known[node.id]?.waitMs ?? 0);
      return estimateAt(ask, node, waitMs, Math.max(0, lost - node.cachedTokens(chat)));
    },
    spending: () => ({ allowed: true }),
  };
}

/** As the predictor does it: wait, then reading what is not cached. */
function estimateAt(ask: Ask, node: Node, waitMs: number, lostCacheTokens: number): Estimate {
  const cachedTokens = Math.min(node.cachedTokens(ask.chat), ask.promptTokens);
  const prefillMs = readMs(ask.promptTokens - cachedTokens);
  return {
    waitMs,
    loadMs: 0,
    prefillMs,
    ttftMs: waitMs + prefillMs,
    serviceMs: prefillMs + decodeMs(engine.typicalAnswer),
    promptTokens: ask.promptTokens,
    cachedTokens,
    lostCacheTokens,
    worstUsd: 0,
  };
}
