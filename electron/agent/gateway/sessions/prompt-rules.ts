import type { ChatQuery, Part, ToolDeclaration, Turn } from '../dialects/query.ts';

/** Which rules are on; by the settings `gateway.promptRules`. */
export interface PromptRules {
  /** Leaves out the line by which a program tags each conversation. */
  readonly attributionLine: boolean;
  /** Leaves out running countdowns of tokens that are left. */
  readonly tokenCountdown: boolean;
  /** Puts the tools into one order. */
  readonly toolOrder: boolean;
}

export interface RuledPrompt {
  readonly query: ChatQuery;
  /** Names of the rules that changed something. */
  readonly applied: readonly (keyof PromptRules)[];
}

type Rule = (query: ChatQuery) => ChatQuery;

const rules: Readonly<Record<keyof PromptRules, Rule>> = {
  attributionLine: withoutAttribution,
  tokenCountdown: withoutCountdown,
  toolOrder: withToolsInOrder,
};

/**
 * Evens out what differs from request to request in the same chat and says nothing to a model, so that an engine finds
 * the prompt in its cache. For local upstreams only: what goes to a provider stays as it was sent. Each rule knows exact
 * shapes and leaves everything else alone. Pure; a query without any of them is returned itself.
 */
export function applyPromptRules(query: ChatQuery, on: PromptRules): RuledPrompt {
  const applied: (keyof PromptRules)[] = [];
  let ruled = query;
  for (const name of ['attributionLine', 'tokenCountdown', 'toolOrder'] as const) {
    const next = on[name] ? rules[name](ruled) : ruled;
    if (next !== ruled) applied.push(name);
    ruled = next;
  }
  return { query: ruled, applied };
}

/** `x-anthropic-billing-header: cc_version=…; cch=…;` as the first line of the first system turn, as Claude Code sends it. */
function withoutAttribution(query: ChatQuery): ChatQuery {
  const [first, ...others] = query.turns;
  if (first?.role !== 'system' || !first.text.startsWith('x-anthropic-billing-header:')) return query;
  const text = first.text.replace(/^x-anthropic-billing-header:[^\n]*\n*/, '');
  return { ...query, turns: text === '' ? others : [{ role: 'system', text }, ...others] };
}

/** `Token usage: 1234/200000; 198766 remaining` in the tags in which programs put it into a chat. */
const taggedCountdown =
  /\n?<(system-reminder|system_warning)>\s{0,4}Token usage: \d{1,12}\/\d{1,12}; \d{1,12} remaining\s{0,4}<\/\1>/g;
/** The same as a line of its own, and the budget that it counts down from; believed in system turns only. */
const countdownLine = /^Token usage: \d{1,12}\/\d{1,12}; \d{1,12} remaining(?:\n|$)/gm;
const budgetTag = /<budget:token_budget>\d{1,12}<\/budget:token_budget>\n?/g;

function withoutCountdown(query: ChatQuery): ChatQuery {
  const turns = query.turns.map((turn) => turnWithoutCountdown(turn));
  return turns.some((turn, index) => turn !== query.turns[index]) ? { ...query, turns } : query;
}

function turnWithoutCountdown(turn: Turn): Turn {
  switch (turn.role) {
    case 'assistant':
      return turn;
    case 'system': {
      if (!mayCountDown(turn.text)) return turn;
      const text = turn.text.replace(taggedCountdown, '').replace(countdownLine, '').replace(budgetTag, '');
      return text === turn.text || text === '' ? turn : { ...turn, text };
    }
    case 'user':
    case 'tool': {
      const parts = partsWithoutCountdown(turn.parts);
      return parts === turn.parts ? turn : { ...turn, parts };
    }
  }
}

/** A turn of which nothing would be left stays: a chat with an empty turn is refused by some engines. */
function partsWithoutCountdown(parts: readonly Part[]): readonly Part[] {
  if (!parts.some((part) => part.kind === 'text' && mayCountDown(part.text))) return parts;
  const next = parts.flatMap((part): Part[] => {
    if (part.kind !== 'text' || !mayCountDown(part.text)) return [part];
    const text = part.text.replace(taggedCountdown, '');
    if (text === part.text) return [part];
    return text.trim() === '' ? [] : [{ kind: 'text', text }];
  });
  const isSame = next.length === parts.length && next.every((part, index) => part === parts[index]);
  return isSame || next.length === 0 ? parts : next;
}

/** A quick look, since most turns have none and a chat may be long. */
function mayCountDown(text: string): boolean {
  return text.includes('Token usage: ') || text.includes('<budget:token_budget>');
}

/** By name, in the order of their characters; tools of one name stay as they were among each other. */
function withToolsInOrder(query: ChatQuery): ChatQuery {
  const { tools } = query;
  const isSorted = tools.every((tool, index) => index === 0 || compare(tools[index - 1], tool) <= 0);
  return isSorted ? query : { ...query, tools: tools.toSorted(compare) };
}

function compare(a: ToolDeclaration | undefined, b: ToolDeclaration | undefined): number {
  const [left, right] = [a?.name ?? '', b?.name ?? ''];
  return left < right ? -1 : left > right ? 1 : 0;
}
