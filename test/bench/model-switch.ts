/**
 * Bar P9: what the node itself adds to a switch of models, beyond what its engine takes to load, unload and answer once;
 * and that callers who stream all the while lose nothing. Two engines: one that takes a known time to load, and a real
 * llama-server with Gemma 3 270M in Q4_K_M and Q8_0; each with room for both models and with room for one.
 *
 *   node test/bench/model-switch.ts [--requests 1000] [--callers 8] [--only fake|real]
 *
 * Exit codes: 0 the bars hold, 1 a bar was missed, 2 no verdict (an engine is missing).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildSelfTestModel } from '../../build/self-test-model.ts';
import { testEnginesFolder } from '../../build/test-engines/layout.ts';
import { findTestEngine } from '../../build/test-engines/provision.ts';
import { llamaServerEngine } from '../../electron/agent/engines/llama-server/llama-server-factory.ts';
import type { ModelFit } from '../../electron/contract/snapshot.ts';
import { FakeOpenAi } from '../fakes/fake-openai-process.ts';
import { gemmaVariant } from '../fixtures/gemma-variants.ts';
import { SteadyCaller } from '../fixtures/steady-caller.ts';
import { SwitchNode, type SwitchNodeOptions } from '../fixtures/switch-node.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';
import { median, quantile } from './gateway-rounds.ts';
import { SlowLoader, timed, type Spent } from './switch-engines.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000' },
    callers: { type: 'string', default: '8' },
    only: { type: 'string' },
  },
});
const requests = Number(values.requests);
const callers = Number(values.callers);
const limitMs = 100;
const loadMs = 300;
const verdicts: boolean[] = [];

/** No room beside, whatever the memory of the machine. */
function noRoom({ modelId }: { readonly modelId: string }): ModelFit {
  const bytes = { weightsBytes: 1, kvBytes: 1, computeBytes: 1, headroomBytes: 1, neededBytes: 4, freeBytes: 1 };
  const speeds = { tokensPerSecond: null, prefillTokensPerSecond: null, measured: false };
  const context = { contextLength: 1, parallel: 1, kvType: 'f16', largestContextLength: null };
  const unload = ['small', 'large'].filter((name) => name !== modelId);
  return { verdict: 'after-unload', sentence: 'There is room for one.', unload, ...bytes, ...speeds, ...context };
}

async function arm(
  name: string,
  node: SwitchNodeOptions,
  load: { readonly spent: Spent; readonly tokens: number; readonly share: number },
): Promise<void> {
  const { spent, tokens, share } = load;
  await using running = await SwitchNode.start(node);
  const steady = new SteadyCaller(running, { callers, tokens });
  await steady.more(callers);
  const own: number[] = [];
  const wanted = Math.ceil(requests * share);
  let answered = 0;
  let target = 'large';
  while (answered < wanted) {
    spent.engineMs = 0;
    const startMs = performance.now();
    const { phase, sentence } = await running.switchTo(target);
    own.push(performance.now() - startMs - spent.engineMs);
    if (phase !== 'done') throw new Error(`the switch was given up: ${sentence}`);
    target = target === 'large' ? 'small' : 'large';
    await steady.more(callers);
    answered = steady.answers;
  }
  const { answers, failures, models } = await steady.end();
  const p99 = quantile(own, 0.99);
  const holds = p99 <= limitMs && failures.length === 0 && models.size === 2;
  verdicts.push(holds);
  const figures = [
    String(own.length),
    median(own).toFixed(1),
    p99.toFixed(1),
    String(answers),
    String(failures.length),
  ];
  console.log(
    `${name.padEnd(30)}${figures.map((figure) => figure.padStart(11)).join('')}   ${holds ? 'holds' : 'MISSED'}`,
  );
  for (const failure of failures.slice(0, 3)) console.log(`  ${failure}`);
}

async function fakeArms(): Promise<void> {
  const folder = makeTempFolder();
  await using fake = await FakeOpenAi.start([]);
  await fake.behave({ tokens: 16, intervalMs: 5 });
  const file = join(folder, 'model.gguf');
  writeFileSync(file, buildSelfTestModel());
  for (const fit of [undefined, noRoom]) {
    const spent = { engineMs: 0 };
    const factories = [timed(() => new SlowLoader({ loadMs, port: fake.port }), spent)];
    const models = { small: file, large: file };
    const node = { program: null, factories, models, first: 'small', parallel: 8, ...(fit && { fit }) };
    await arm(`known load time, ${fit ? 'drain' : 'beside'}`, node, { spent, tokens: 16, share: 0.5 });
  }
  removeFolder(folder);
}

async function realArms(): Promise<void> {
  const skip = (note: string): never => {
    console.log(`no verdict: ${note}`);
    process.exit(2);
  };
  const program = findTestEngine(testEnginesFolder(process.env), 'llama-server') ?? skip('llama-server is not there');
  const models = { small: await gemmaVariant({ skip }, 'Q4_K_M'), large: await gemmaVariant({ skip }, 'Q8_0') };
  for (const fit of [undefined, noRoom]) {
    const spent = { engineMs: 0 };
    const factories = [timed(llamaServerEngine, spent)];
    const node = { program, factories, models, first: 'small', parallel: 8, ...(fit && { fit }) };
    await arm(`llama-server, ${fit ? 'drain' : 'beside'}`, node, { spent, tokens: 8, share: 0.5 });
  }
}

console.log(`${callers} callers stream all the while; at least ${requests} requests for each engine\n`);
console.log(`${'engine'.padEnd(30)}   switches  own ms p50        p99   requests     failed`);
if (values.only !== 'real') await fakeArms();
if (values.only !== 'fake') await realArms();
console.log(`\nbar: own share p99 at most ${limitMs} ms, no request failed`);
process.exitCode = verdicts.every((holds) => holds) ? 0 : 1;
