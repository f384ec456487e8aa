import { afterEach, describe, expect, it } from 'vitest';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { asSettings, catalogModels, llamaServer, never, read, request } from './llama-server-rig.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

interface Timings {
  readonly prompt_n: number;
  readonly cache_n: number;
}

/** What an agent says first: long, and for the most part the same for all of them. */
const preamble = (name: string): string =>
  'You look after the horses of the ranch and answer in one sentence. '.repeat(25) +
  `Your name is ${name}. ` +
  `${name} feeds the horses in the morning and counts them at night. `.repeat(15);

/** Asks for a few tokens more of each conversation in turn; the answer is what each had to read again. */
async function takeTurns(
  ask: (session: string, prompt: string) => Promise<Timings>,
  names: readonly string[],
  rounds: number,
): Promise<{ first: Timings[]; later: Timings[] }> {
  const chats = new Map(names.map((name) => [name, preamble(name)]));
  const [first, later]: [Timings[], Timings[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      const prompt = `${chats.get(name) ?? ''}Turn ${round}: how many horses are there?`;
      (round === 0 ? first : later).push(await ask(name, prompt));
      chats.set(name, prompt);
    }
  }
  return { first, later };
}

type Context = Parameters<typeof testEngine>[0];

async function loaded(context: Context, parallel: number) {
  const program = testEngine(context, 'llama-server');
  const folder = tempFolder();
  const [model] = await catalogModels(folder, [testEngine(context, 'gemma')]);
  if (!model) throw new Error('there is no model');
  const engine = llamaServer(folder, program, { settings: { contextLength: 2_048, parallel } });
  stops.push(() => engine.stop());
  await engine.start();
  await engine.load({ id: model.id, file: model, options: asSettings }, never());
  return { engine, id: model.id };
}

describe('sessions on a real llama-server', { timeout: 180_000 }, () => {
  const kinds = [
    { title: 'as many as slots', names: ['Anna', 'Bertha'] },
    { title: 'more than slots', names: ['Anna', 'Bertha', 'Clara', 'Doris'] },
  ];
  for (const { title, names } of kinds) {
    it(`that take turns, ${title}, read only what is new`, async (context) => {
      const { engine, id } = await loaded(context, 2);
      const ask = async (session: string, prompt: string): Promise<Timings> => {
        // A caller's own choice of a slot is not heard.
        const asked = request(id, { prompt, max_tokens: 2, temperature: 0, id_slot: 0 }, 'completion');
        const response = await engine.upstream.generate({ ...asked, session }, never());
        const { text } = await read(response);
        return (JSON.parse(text) as { timings: Timings }).timings;
      };
      const { first, later } = await takeTurns(ask, names, 4);
      const readAgain = later.reduce((sum, { prompt_n }) => sum + prompt_n, 0);
      const fromCache = later.reduce((sum, { cache_n }) => sum + cache_n, 0);
      console.log(`${names.length} sessions, 2 slots: ${readAgain} tokens read again, ${fromCache} from the cache`);
      expect(first[0]?.prompt_n).toBeGreaterThan(400);
      for (const { prompt_n } of later) expect(prompt_n).toBeLessThan(40);
      expect(readAgain / (readAgain + fromCache)).toBeLessThan(0.05);
    });
  }

  it('a chat’s prompt is counted as the server itself counts it, and by no other model', async (context) => {
    const { engine, id } = await loaded(context, 2);
    const body = { messages: [{ role: 'user', content: 'How many horses are there?' }], max_tokens: 1 };
    const asked = request(id, body);
    const counted = await engine.upstream.countTokens?.(id, asked.body, never());
    const { text } = await read(await engine.upstream.generate(asked, never()));
    const { usage } = JSON.parse(text) as { usage: { prompt_tokens: number } };
    expect(counted).toBe(usage.prompt_tokens);
    expect(await engine.upstream.countTokens?.('another', asked.body, never())).toBeNull();
    expect(engine.snapshot().slots.busy).toBe(0);
  });
});
