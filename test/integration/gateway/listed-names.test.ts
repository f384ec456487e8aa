import { afterEach, describe, expect, it } from 'vitest';
import { policySchema, type PolicyInput } from '../../../electron/contract/keys.ts';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import type { Caller } from '../../../electron/agent/gateway/access/caller.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import type { InferenceRequest } from '../../../electron/agent/inference/request.ts';
import type { ServedModel, UpstreamDescription } from '../../../electron/agent/inference/upstream.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';
import { RecordingSpending } from '../../unit/gateway/dispatch/recording-spending.ts';
import { HoldingUpstream } from './holding-upstream.ts';

const price = { inputUsd: 1, outputUsd: 10, cachedInputUsd: null };
const whole =
  '{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":1}}';

/** Says hello at once, whatever it is asked. */
class GreetingUpstream extends HoldingUpstream {
  override generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const answer = super.generate(request, signal);
    const held = this.held.pop();
    void held?.head('application/json', { kind: 'length', lengthBytes: whole.length }).then(() => {
      held.write(whole, false);
      held.end(false);
    });
    return answer;
  }
}

function model(id: string, change: Partial<ServedModel> = {}): ServedModel {
  return { id, contextLength: 8192, capabilities: ['chat'], sizeBytes: 1, loaded: true, createdAtS: 0, ...change };
}

function upstream(
  id: string,
  models: readonly ServedModel[],
  change: Partial<UpstreamDescription> = {},
): HoldingUpstream {
  return new GreetingUpstream({ id, models, defaultModel: null, ...change });
}

const far = { contextLength: 200_000, maxOutputTokens: 1_000, capabilities: ['chat', 'tools'], price } as const;
const names = {
  fast: 'gemma',
  big: 'openai/gpt',
  bare: 'gpt',
  lost: 'nothing',
  tame: { model: 'openai/gpt', systemMode: 'before', ceiling: 'local' },
  ring: 'rong',
  rong: 'ring',
} as const;

let gateway: Gateway | null = null;

afterEach(async () => {
  await gateway?.close();
  gateway = null;
});

class Site {
  readonly url: string;
  constructor(url: string) {
    this.url = url;
  }

  static async open(mode: 'auto' | 'off', policy: PolicyInput = {}): Promise<Site> {
    const money = new RecordingSpending(price);
    money.mode = mode;
    const upstreams = [
      upstream('llama-server', [model('gemma'), model('org/phi')], { defaultModel: 'gemma' }),
      upstream('server', [model('gemma:latest', { contextLength: 2048 }), model('openai/same')]),
      upstream('barn', [model('llama')], { route: 'peer' }),
      upstream('openai', [model('gpt', far), model('same', far), model('gemma', far)], { route: 'cloud' }),
    ];
    const caller = (from: string): Caller => ({
      kind: 'key',
      id: 'key-id',
      keyName: 'laptop',
      scope: 'inference',
      policy: policySchema.parse(policy),
      from,
    });
    gateway = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 1_000, policy: { names } },
      {
        upstreams: () => upstreams,
        access: { keysTotal: 1, callers: () => [], identify: ({ from }) => caller(from) },
        spending: money,
        equivalents: { of: (name) => (name === 'ranch/code' ? ['openai/gpt'] : []) },
        clock: systemClock,
        logger: silentLogger,
      },
    );
    return new Site((await gateway.listen()).url);
  }

  async ask(path: string, body: object | null = null, headers: Record<string, string> = {}): Promise<Asked> {
    const answer = await fetch(`${this.url}${path}`, {
      ...(body === null ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'Content-Type': 'application/json', ...headers },
    });
    return { status: answer.status, json: await answer.json() };
  }

  async chat(name: string): Promise<number> {
    return (await this.ask('/v1/chat/completions', { model: name, messages: [{ role: 'user', content: 'Hi' }] }))
      .status;
  }

  /** By the three routes that tell of one model. */
  async told(name: string): Promise<number[]> {
    const path = `/v1/models/${encodeURIComponent(name)}`;
    const asked = [
      await this.ask(path),
      await this.ask(path, null, inAnthropic),
      await this.ask('/api/show', { name }),
    ];
    return asked.map(({ status }) => status);
  }

  /** Of the three lists. */
  async lists(): Promise<string[][]> {
    const ofOpenAi = (await this.ask('/v1/models')).json as { data: { id: string }[] };
    const ofAnthropic = (await this.ask('/v1/models', null, inAnthropic)).json as { data: { id: string }[] };
    const ofOllama = (await this.ask('/api/tags')).json as { models: { name: string }[] };
    return [
      ofOpenAi.data.map(({ id }) => id),
      ofAnthropic.data.map(({ id }) => id),
      ofOllama.models.map(({ name }) => name),
    ];
  }
}

interface Asked {
  readonly status: number;
  readonly json: unknown;
}

const inAnthropic = { 'anthropic-version': '2023-06-01' };
const virtual = ['ranch/auto', 'ranch/local', 'ranch/routine', 'ranch/quality'];
const near = ['gemma:latest', 'gemma@llama-server', 'gemma:latest@server', 'org/phi', 'openai/same'];

describe('what is listed', () => {
  it.each([
    [
      'to who may go to the cloud',
      'auto',
      {},
      [...near, 'llama', 'openai/gpt', 'same@openai', 'openai/gemma', ...virtual, 'ranch/code', 'fast', 'big'],
    ],
    ['while offloading is off', 'off', {}, [...near, 'llama', ...virtual, 'fast']],
    ['to who may not leave this machine', 'auto', { ceiling: 'local' }, [...near, ...virtual, 'fast']],
    [
      'to who may name few',
      'auto',
      { models: ['ranch/auto', 'gemma@server', 'gpt@openai', 'big'] },
      ['gemma@server', 'gpt@openai', 'ranch/auto', 'big'],
    ],
  ] as const)(
    '%s is answered in chat, told by each route, and all that there is',
    async (_, mode, policy, expected) => {
      const site = await Site.open(mode, policy as PolicyInput);
      for (const list of await site.lists()) {
        expect(list).toEqual(expected);
        for (const id of list) expect([id, await site.chat(id)]).toEqual([id, 200]);
      }
      for (const id of expected) expect([id, ...(await site.told(id))]).toEqual([id, 200, 200, 200]);
    },
  );

  it.each([
    [
      'auto',
      [
        'gemma',
        'gemma@server',
        'server/gemma',
        'gpt@openai',
        'openai/gpt:latest',
        'big:latest',
        'org/phi@llama-server',
      ],
    ],
    ['auto', ['ranch/local@server', 'ranch/live', 'barn/llama']],
    ['off', ['ranch/code', 'ranch/auto:latest']],
  ] as const)('leaves out forms that are known all the same (%s: %j)', async (mode, forms) => {
    const site = await Site.open(mode);
    for (const form of forms) {
      expect([form, await site.chat(form)]).toEqual([form, 200]);
      expect([form, ...(await site.told(form))]).toEqual([form, 200, 200, 200]);
    }
  });

  it.each([
    ['auto', ['gpt', 'bare', 'lost', 'tame', 'ring', 'gemma@nowhere', 'openai/nothing']],
    ['off', ['openai/gpt', 'gpt@openai', 'big']],
  ] as const)('B41 has nothing that chat refuses for its name (%s: %j)', async (mode, refused) => {
    const site = await Site.open(mode);
    for (const name of refused) {
      expect([400, 403, 404]).toContain(await site.chat(name));
      expect([name, ...(await site.told(name))]).toEqual([name, 404, 404, 404]);
    }
  });

  it('tells of a name what its model at the cloud can do', async () => {
    const site = await Site.open('auto');
    expect((await site.ask('/v1/models/big')).json).toMatchObject({
      stands_for: 'openai/gpt',
      context_length: 200_000,
      capabilities: ['chat', 'tools'],
    });
    expect((await site.ask('/api/show', { model: 'big' })).json).toMatchObject({
      capabilities: ['completion', 'tools'],
      model_info: { 'general.context_length': 200_000 },
    });
  });
});
