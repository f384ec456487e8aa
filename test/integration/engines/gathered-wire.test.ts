import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { InstanceWire } from '../../../electron/agent/engines/process-engine/instance-wire.ts';
import type { ProcessEndpoint } from '../../../electron/agent/engines/process-engine/process-kind.ts';
import { FakeOpenAi } from '../../fakes/fake-openai-process.ts';
import { HoldingUpstream } from '../gateway/holding-upstream.ts';
import { never, request } from './llama-server-rig.ts';

let fake: FakeOpenAi;
const clock = new ManualClock();
let wire: InstanceWire;

beforeEach(async () => {
  fake = await FakeOpenAi.start();
  const endpoint: ProcessEndpoint = {
    port: fake.port,
    key: null,
    contextLength: 1_024,
    slots: 1,
    capabilities: ['chat'],
    version: null,
    progressOf: null,
    placing: 'slot',
  };
  wire = new InstanceWire(
    { endpoint, name: 'The engine', noticesInStreams: true },
    { clock, describe: () => new HoldingUpstream().describe() },
  );
});

afterEach(async () => {
  wire.close();
  await fake[Symbol.asyncDispose]();
});

describe('a stream of a process of ours', () => {
  it.each([
    ['F14 that its caller gets whole may pause for 12 min, and sends no pings meanwhile', true],
    ['F3 that its caller hears is given up after such a pause', false],
  ])('%s', async (_name, gathered) => {
    await fake.behave({ fault: 'silent', afterTokens: 2, intervalMs: 0 });
    const asked = request('m', { messages: [], stream: true });
    const { body } = await wire.upstream.generate(gathered ? { ...asked, gathered } : asked, never());
    expect((JSON.parse((await fake.state()).lastBody) as Record<string, unknown>)['sse_ping_interval']).toBe(
      gathered ? -1 : undefined,
    );
    let text = '';
    const failures: string[] = [];
    const both = Promise.withResolvers<undefined>();
    body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        text += bytes.toString('utf8', start, end);
        if (text.includes('tok1')) both.resolve(undefined);
      },
      end: () => undefined,
      fail: ({ code }) => failures.push(code),
    });
    await both.promise;
    clock.advance(12 * 60_000);
    expect(failures).toEqual(gathered ? [] : ['upstream_silent']);
    body.destroy();
  });
});
