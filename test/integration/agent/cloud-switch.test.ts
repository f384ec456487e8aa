import { afterAll, beforeAll, expect, it } from 'vitest';
import { ranchHeaders } from '../../../electron/contract/routing.ts';
import type { OffloadMode } from '../../../electron/contract/cloud.ts';
import { cli } from '../cli/cli-process.ts';
import { claude, CloudSite } from './cloud-site.ts';
import { clientOf } from './real-agent.ts';

let site: CloudSite;

beforeAll(async () => {
  site = await CloudSite.start();
});
afterAll(() => site[Symbol.asyncDispose]());

/** Everyone who watches, like the tray and the panel: each mode that is told, and when. */
class Watcher implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #told: { readonly mode: OffloadMode; readonly atMs: number }[] = [];
  readonly #running: Promise<unknown>;
  #wake: () => void = () => undefined;

  constructor() {
    this.#running = clientOf(site.agent)
      .watch((event) => {
        if (event.kind !== 'snapshot') return;
        this.#told.push({ mode: event.snapshot.cloud.offload, atMs: performance.now() });
        this.#wake();
      }, this.#stop.signal)
      .catch(() => undefined);
  }

  /** When the mode is told for the first time after `sinceMs`. */
  async shows(mode: OffloadMode, sinceMs: number): Promise<number> {
    for (;;) {
      const found = this.#told.find((each) => each.mode === mode && each.atMs >= sinceMs);
      if (found) return found.atMs;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

async function route(model: string): Promise<string> {
  const call = site
    .clients()
    .anthropic.messages.create({ model, max_tokens: 8, messages: [{ role: 'user', content: 'Hi' }] });
  const { response } = await call.withResponse();
  return String(response.headers.get(ranchHeaders.route));
}

const byCli = async (mode: OffloadMode): Promise<void> => {
  expect((await cli(['offload', mode], { dataDir: site.dataDir })).exitCode).toBe(0);
};
const byApi = async (mode: OffloadMode): Promise<void> => {
  await site.control.command('offload.set', { mode });
};

it.each([
  ['the control API', byApi],
  ['the command line', byCli],
])('%s changes the next request, and everyone who watches is told', async (_name, set) => {
  await using watcher = new Watcher();
  await watcher.shows('off', 0);
  const rounds: number[] = [];
  for (const mode of ['auto', 'off', 'on', 'off'] as const) {
    const beforeMs = performance.now();
    await set(mode);
    const doneMs = performance.now();
    const isOff = mode === 'off';
    expect(await route('ranch/quality')).toBe(isOff ? 'local' : 'cloud');
    expect(await route('ranch/auto')).toBe(mode === 'on' ? 'cloud' : 'local');
    const tookMs = (await watcher.shows(mode, beforeMs)) - doneMs;
    console.log(`${mode}: told ${Math.round(tookMs)} ms after it was done`);
    rounds.push(tookMs);
  }
  // The least, so that a machine that is busy for a moment does not count.
  expect(Math.min(...rounds)).toBeLessThan(1_000);
});

it('a change cancels nothing that runs', async () => {
  await byApi('auto');
  await site.anthropic.behave({ held: true });
  const answer = site
    .clients()
    .anthropic.messages.create({ model: claude, max_tokens: 8, messages: [{ role: 'user', content: 'Hi' }] });
  const settled = answer.then(({ content }) => content.length);
  while ((await site.anthropic.state()).active === 0);
  await byCli('off');
  await site.anthropic.release();
  expect(await settled).toBeGreaterThan(0);
  await site.anthropic.behave({});
  expect(await route('ranch/quality')).toBe('local');
});
