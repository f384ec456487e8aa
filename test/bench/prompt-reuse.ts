/**
 * P17: six agents with long, growing chats run side by side through the gateway on a real llama-server with four slots.
 * Counted is what the engine reads of prompts that it has read before, by its own figures (`prompt_n`, `cache_n`). Once
 * plainly, once with what programs put into their prompts to spoil caches (a line that tags each request, a countdown of
 * tokens, tools in another order), and once with that and the rules against it switched off, for comparison.
 * Run with `npm run bench:prompts`.
 */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { parseArgs } from 'node:util';
import { testEnginesFolder } from '../../build/test-engines/layout.ts';
import { findTestEngine } from '../../build/test-engines/provision.ts';
import { SwitchNode } from '../fixtures/switch-node.ts';
import { randomOf } from './routing-world.ts';

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '6' },
    turns: { type: 'string', default: '8' },
    words: { type: 'string', default: '900' },
  },
});
const agents = Number(values.agents);
const turns = Number(values.turns);
/** With which each agent's system prompt begins. */
const words = Number(values.words);
const limit = 0.05;
const slots = 4;
const toolNames = ['read_file', 'write_file', 'list_folder', 'run_command', 'search_text', 'fetch_page'];

interface Arm {
  readonly name: string;
  readonly volatile: boolean;
  readonly rules: boolean;
  readonly turns: number;
  readonly counts: boolean;
}

const arms: readonly Arm[] = [
  { name: 'plain', volatile: false, rules: true, turns, counts: true },
  { name: 'volatile parts', volatile: true, rules: true, turns, counts: true },
  { name: 'volatile, rules off', volatile: true, rules: false, turns: Math.min(3, turns), counts: false },
];

interface Figures {
  promptTokens: number;
  /** Tokens that the engine read anew though it had read them before. */
  readAgain: number;
  readonly shares: number[];
}

interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

const folder = testEnginesFolder(process.env);
const program = findTestEngine(folder, 'llama-server');
const model = findTestEngine(folder, 'gemma');
if (program === undefined || model === undefined) {
  console.log('no verdict: the test engines are not there (node build/test-engines.ts llama-server gemma)');
  process.exit(2);
}

console.log(`${agents} agents, ${slots} slots`);
console.log('arm                   prompt tokens   read again   share   worst agent   most turns   with tools');
const shares: number[] = [];
for (const arm of arms) {
  const share = await run(arm, program, model);
  if (arm.counts) shares.push(share);
}
const worst = Math.max(...shares);
const holds = worst <= limit;
console.log(`P17 read again: ${percent(worst)}, bar ≤ ${percent(limit)}: ${holds ? 'holds' : 'MISSED'}`);
process.exit(holds ? 0 : 1);

async function run(arm: Arm, programPath: string, modelPath: string): Promise<number> {
  const rules = { attributionLine: arm.rules, tokenCountdown: arm.rules, toolOrder: arm.rules };
  await using node = await SwitchNode.start({
    program: programPath,
    models: { gemma: modelPath },
    first: 'gemma',
    parallel: slots,
    contextLength: 8_192,
    // Tokens are counted here, not seconds: one thread does not suffer from what else runs on the machine.
    threads: 1,
    policy: { promptRules: rules, maxWaitMs: 1e9 },
  });
  const withTools = await takesTools(node.gatewayUrl);
  const each = await Promise.all(
    Array.from({ length: agents }, (_, id) => converse(id, arm, { url: node.gatewayUrl, withTools })),
  );
  const promptTokens = each.reduce((sum, figures) => sum + figures.promptTokens, 0);
  const readAgain = each.reduce((sum, figures) => sum + figures.readAgain, 0);
  const worstAgent = Math.max(...each.map((figures) => figures.readAgain / figures.promptTokens));
  const share = readAgain / promptTokens;
  const columns = [
    arm.name.padEnd(21),
    String(promptTokens).padStart(13),
    String(readAgain).padStart(12),
    percent(share).padStart(8),
    percent(worstAgent).padStart(12),
    String(arm.turns).padStart(11),
    String(withTools).padStart(12),
  ];
  console.log(columns.join(' '));
  return share;
}

/** One agent's chat: a long beginning of its own, and then questions that grow it, as results of tools do. */
async function converse(id: number, arm: Arm, target: { url: string; withTools: boolean }): Promise<Figures> {
  const random = randomOf(1_000 + id);
  const figures: Figures = { promptTokens: 0, readAgain: 0, shares: [] };
  const system = `You are agent ${id}. ${prose(random, words)}`;
  const messages: Message[] = [{ role: 'user', content: `Task ${id}: ${prose(random, Math.round(words / 3))}` }];
  let readBefore = 0;
  for (let turn = 0; turn < arm.turns; turn += 1) {
    const sent = [{ role: 'system', content: volatileSystem(system, arm, random) } as const, ...messages];
    const last = sent.at(-1);
    if (arm.volatile && last)
      sent[sent.length - 1] = { role: last.role, content: `${last.content}${countdown(random)}` };
    const answer = await ask(target, sent, arm.volatile ? random : null);
    figures.promptTokens += answer.read + answer.cached;
    // What the chat had when it was here last is in the cache, or should be; the rest is new.
    const isNew = Math.max(0, answer.read + answer.cached - readBefore);
    figures.readAgain += Math.max(0, answer.read - isNew);
    readBefore = answer.read + answer.cached + answer.completion;
    messages.push({ role: 'assistant', content: answer.text });
    messages.push({
      role: 'user',
      content: `Result ${turn}: ${prose(random, Math.round((words / 10) * (0.5 + random())))}`,
    });
  }
  return figures;
}

function volatileSystem(system: string, arm: Arm, random: () => number): string {
  if (!arm.volatile) return system;
  const tag = Math.floor(random() * 1e6).toString(16);
  return `x-anthropic-billing-header: cc_version=2.1.0.${tag}; cc_entrypoint=cli; cch=${tag};\n${system}`;
}

function countdown(random: () => number): string {
  const used = Math.floor(random() * 200_000);
  return `\n<system-reminder>Token usage: ${used}/200000; ${200_000 - used} remaining</system-reminder>`;
}

async function ask(
  { url, withTools }: { url: string; withTools: boolean },
  messages: readonly Message[],
  shuffled: (() => number) | null,
): Promise<{ read: number; cached: number; completion: number; text: string }> {
  const order = shuffled === null ? toolNames : toolNames.toSorted(() => shuffled() - 0.5);
  const tools = order.map((name) => ({
    type: 'function',
    function: { name, description: `Does ${name}.`, parameters: { type: 'object', properties: {} } },
  }));
  const text = await post(`${url}/v1/chat/completions`, {
    model: 'gemma',
    messages,
    max_tokens: 16,
    temperature: 0,
    ...(withTools && { tools, tool_choice: 'none' }),
  });
  const body = JSON.parse(text) as {
    choices: { message: { content: string | null } }[];
    timings: { prompt_n: number; cache_n: number; predicted_n: number };
  };
  const { prompt_n: read, cache_n: cached, predicted_n: completion } = body.timings;
  return { read, cached, completion, text: body.choices[0]?.message.content ?? '' };
}

async function takesTools(url: string): Promise<boolean> {
  const shown = JSON.parse(await post(`${url}/api/show`, { model: 'gemma' })) as { capabilities?: string[] };
  return shown.capabilities?.includes('tools') ?? false;
}

/** As fetch, which gives up after five minutes: on a busy machine a long prompt takes longer. */
async function post(url: string, body: object): Promise<string> {
  const sent = request(url, { method: 'POST', headers: { 'content-type': 'application/json' } });
  sent.end(JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const text = (await response.setEncoding('utf8').toArray()).join('');
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}: ${text}`);
  return text;
}

/** Words at random: a text that no other prompt has. */
function prose(random: () => number, words: number): string {
  const stock = ['cow', 'fence', 'river', 'saddle', 'dust', 'evening', 'gate', 'herd', 'hay', 'storm', 'barn', 'trail'];
  return Array.from({ length: words }, () => stock[Math.floor(random() * stock.length)]).join(' ');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
