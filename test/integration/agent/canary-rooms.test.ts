import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import type { Logger } from '../../../electron/agent/base/logger.ts';
import { openSecrets } from '../../../electron/agent/config/secrets/secrets.ts';
import { Metrics } from '../../../electron/agent/telemetry/prometheus.ts';
import { TraceStore } from '../../../electron/agent/telemetry/trace-store.ts';
import { filesUnder, placesWith, processesUnder } from '../../fixtures/canary.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { SpeechRig } from '../speech/speech-rig.ts';

const canary = 'quokka.canary.0123456789.abcdef';

it('the search finds a secret in every form it looks for', () => {
  const shift = (before: string): string => Buffer.from(`${before}${canary}after`).toString('base64');
  const places = new Map<string, string | Buffer>([
    ['plain', `Bearer ${canary}.`],
    ['base64', shift('')],
    ['base64 shifted by one', shift('a')],
    ['base64 shifted by two', shift('ab')],
    ['hex', Buffer.from(canary).toString('hex')],
    ['reversed', Array.from(canary).reverse().join('')],
    ['utf16', Buffer.from(canary, 'utf16le')],
    ['innocent', 'quokka.canary'],
  ]);
  expect(placesWith([canary], places)).toEqual([...places.keys()].slice(0, -1));
});

it('a provider’s key is in its store and in the one header to its provider, and nowhere else', async () => {
  const dataDir = tempFolder();
  const said = new Map<string, Buffer | string>();
  let lines = 0;
  const note = (fields: object, message: string): void => {
    lines += 1;
    said.set(`log line ${lines}`, `${JSON.stringify(fields)} ${message}`);
  };
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const env = { RANCH_HAND_SECRETS_STORE: 'file' };
  const secrets = await openSecrets({ dataDir, env, platform: process.platform, childFile: '' }, { logger });
  await secrets.set('openai', canary);
  // Pasted wrongly, it is refused and not repeated.
  for (const wrong of [`OPENAI_API_KEY=${canary}`, `${canary} ${canary}`]) {
    const error: unknown = await secrets.set('xai', wrong).catch((thrown: unknown) => thrown);
    said.set(`refusal of ${wrong.slice(0, 6)}`, String(error) + JSON.stringify(error));
  }

  await using rig = await SpeechRig.start({ keys: secrets, logger });
  const traces = new TraceStore({ file: join(dataDir, 'traces.db'), kept: 100 }, { clock: systemClock, logger });
  const metrics = new Metrics({
    picture: () => {
      throw new Error('no node');
    },
  });
  for (const behaviour of [
    {},
    { status: 401, repeatsKey: true },
    { status: 400, repeatsKey: true },
    { status: 500, repeatsKey: true },
    { fault: 'redirect' },
    { fault: 'drop' },
    { fault: 'page' },
  ] as const) {
    await rig.fake.behave(behaviour);
    const answer = await rig.say({ input: 'Hi' });
    said.set(`answer to ${JSON.stringify(behaviour)}`, JSON.stringify([...answer.headers]) + (await answer.text()));
  }
  for (const trace of rig.traces) {
    traces.record(trace);
    metrics.record(trace);
  }
  traces.close();
  said.set('traces', JSON.stringify(rig.traces));
  said.set('activity', JSON.stringify(rig.gateway.activity()));
  said.set('stats', JSON.stringify(rig.gateway.stats()));
  said.set('notices', JSON.stringify(secrets.notices()));
  said.set('rows', JSON.stringify(await secrets.rows(['openai', 'xai'])));
  if (process.platform === 'linux') for (const [name, bytes] of processesUnder(process.pid)) said.set(name, bytes);
  for (const [path, bytes] of filesUnder(dataDir)) said.set(path, bytes);

  expect(rig.traces).toHaveLength(7);
  expect(lines).toBeGreaterThan(0);
  expect(placesWith([canary], said)).toEqual([join(dataDir, 'secrets.json')]);
  const { requests } = await rig.fake.state();
  expect(requests).toHaveLength(7);
  for (const { authorization, headers, body } of requests) {
    expect(authorization).toBe(`Bearer ${canary}`);
    expect(
      placesWith([canary], new Map([['rest', JSON.stringify([{ ...headers, authorization: '' }, body])]])),
    ).toEqual([]);
  }
});
