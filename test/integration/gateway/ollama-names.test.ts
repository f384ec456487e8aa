import { Ollama } from 'ollama';
import { afterEach, expect, it } from 'vitest';
import { policySchema } from '../../../electron/contract/keys.ts';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import type { ServedModel } from '../../../electron/agent/inference/upstream.ts';
import { HeldRequest, HoldingUpstream } from './holding-upstream.ts';

const model = (id: string): ServedModel => ({
  id,
  contextLength: 4096,
  capabilities: ['chat'],
  sizeBytes: 1,
  loaded: true,
  createdAtS: 0,
});

let close: (() => Promise<void>) | null = null;
afterEach(() => close?.());

/** A gateway whose caller may name the models that fit, before an upstream that has one model by both its names. */
async function site(models: readonly string[]) {
  const clock = new ManualClock();
  const upstream = new HoldingUpstream({ models: [model('llama3'), model('llama3:latest')], defaultModel: null });
  const policy = policySchema.parse({ models });
  const caller = { kind: 'key', id: 'k', keyName: 'k', scope: 'inference', policy, from: '127.0.0.1' } as const;
  const gateway = new Gateway(
    { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 1_000 },
    {
      upstreams: () => [upstream],
      access: { keysTotal: 1, callers: () => [], identify: () => caller },
      clock,
      logger: silentLogger,
    },
  );
  const { url } = await gateway.listen();
  close = async () => {
    const closed = gateway.close();
    clock.advance(60_000);
    await closed;
  };
  return { client: new Ollama({ host: url }), upstream };
}

it.each([
  [['llama3:latest'], 'llama3:latest'],
  [['llama3'], 'llama3:latest'],
  [['llama*'], 'llama3:latest'],
])('a key for %j may use the very name that the lists tell, and hears it back', async (models, listed) => {
  const { client, upstream } = await site(models);
  const told = await client.list();
  expect(told.models[0]?.name).toBe(listed);
  const asked = client.chat({ model: listed, messages: [{ role: 'user', content: 'Hi' }] });
  const held = await Promise.race([upstream.request(), asked]);
  if (!(held instanceof HeldRequest)) throw new Error('It was answered before the upstream was asked.');
  await held.head('application/json', { kind: 'length', lengthBytes: 1 });
  held.write(JSON.stringify({ choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }] }), false);
  held.end(false);
  expect(await asked).toMatchObject({ model: listed, message: { content: 'Hello' } });
});
