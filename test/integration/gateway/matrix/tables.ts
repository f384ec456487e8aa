import type { Dialect } from '../../../../electron/agent/inference/request.ts';
import { formOf } from '../../../../electron/agent/gateway/planning.ts';
import { planRoute } from '../../../../electron/agent/gateway/routing/plan-route.ts';
import { ask, context, model, option } from '../../../unit/gateway/routing/route-world.ts';
import { upstreamDialectNamed } from '../../../../electron/agent/gateway/dialects/dialects.ts';
import type { ChatQuery } from '../../../../electron/agent/gateway/dialects/query.ts';
import { answerers, askers, features, modes, passes } from './cells.ts';

/** The tables of docs/dialects.md: written from what the matrix tests, and from what the dialects say of themselves. */

const begin = '<!-- tables: written by npm run docs:dialects -->';
const end = '<!-- end of tables -->';

const plainQuery: ChatQuery = {
  operation: 'chat',
  turns: [{ role: 'user', parts: [{ kind: 'text', text: 'x' }] }],
  tools: [{ name: 'look', description: null, parameters: { type: 'object' } }],
  toolChoice: 'auto',
  parallelCalls: null,
  shape: { kind: 'text' },
  thinking: null,
  sampling: {},
  stop: [],
  maxTokens: 10,
  logprobs: null,
  keepAlive: null,
};

/** What a request may ask for beside its messages: a request with nothing else in it. */
const wishes: readonly (readonly [string, Partial<ChatQuery>])[] = [
  ['most tokens of the answer', { maxTokens: 5 }],
  ['temperature up to 1', { sampling: { temperature: 0.5 } }],
  ['temperature above 1', { sampling: { temperature: 1.5 } }],
  ['top_p, top_k', { sampling: { topP: 0.9, topK: 40 } }],
  ['min_p', { sampling: { minP: 0.1 } }],
  ['seed', { sampling: { seed: 1 } }],
  ['presence and frequency penalty', { sampling: { presencePenalty: 1, frequencyPenalty: 1 } }],
  ['repeat penalty', { sampling: { repeatPenalty: 1.1 } }],
  ['bias of single tokens', { sampling: { logitBias: { '1': 5 } } }],
  ['stop sequences', { stop: ['END'] }],
  ['a tool must be called, or a certain one', { toolChoice: 'required' }],
  ['one call at a time', { parallelCalls: false }],
  ['JSON without a schema', { shape: { kind: 'json' } }],
  ['JSON by a schema', { shape: { kind: 'schema', name: 'a', schema: { type: 'object' }, strict: true } }],
  ['thinking on or off', { thinking: true }],
  ['probabilities of tokens', { logprobs: 1 }],
  ['how long the model stays', { keepAlive: '5m' }],
];

const names = { openai: 'OpenAI', anthropic: 'Anthropic', ollama: 'Ollama' } as const;

function matrixTable(): string[] {
  const head = ['Caller asks by', 'Upstream speaks', 'Answer', ...features];
  const rows = askers.flatMap((asker) =>
    answerers.map((answerer) => [
      asker,
      names[answerer],
      passes(asker, answerer) ? 'bytes as they are' : 'translated',
      ...features.map(() => modes.join(', ')),
    ]),
  );
  return table(head, rows);
}

function wishTable(): string[] {
  const rows = wishes.map(([name, wish]) => [
    name,
    ...answerers.map((answerer) => fateOf({ ...plainQuery, ...wish }, answerer)),
  ]);
  return table(['A request may ask for', ...answerers.map((answerer) => names[answerer])], rows);
}

/** What becomes of it at an upstream whose model can do everything: whether it is refused is the router's to say. */
function fateOf(query: ChatQuery, dialect: Dialect): string {
  const able = model('qwen', { capabilities: ['chat', 'tools', 'vision', 'json', 'logprobs'] });
  const upstream = option('local', 'a', { dialects: [dialect], models: [able] });
  const needs = query.logprobs === null ? ['chat' as const] : ['chat' as const, 'logprobs' as const];
  const plan = planRoute(ask({ ...formOf(query), needs }), [upstream], context());
  if (plan.kind === 'refused') return 'refused, and named';
  return upstreamDialectNamed[dialect].unable(query).length === 0 ? 'sent' : 'left out, and named';
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** The document with its tables written anew. @throws Error when their place is gone */
export function withTables(document: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from === -1 || to < from) throw new Error('The document has no place for the tables any more.');
  const matrix = ['What is tried, with the callers’ own client libraries:', '', ...matrixTable()];
  const wish = ['What goes along, by the dialect of the upstream:', '', ...wishTable()];
  const tables = [begin, '', ...matrix, '', ...wish, '', ''].join('\n');
  return document.slice(0, from) + tables + document.slice(to);
}
