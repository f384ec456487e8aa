import { describe, expect, it } from 'vitest';
import { Announcer } from '../../../../electron/agent/base/announcer.ts';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import type { CheckedModel } from '../../../../electron/agent/engines/serving-check/evidence.ts';
import { ServingChecks } from '../../../../electron/agent/engines/serving-check/serving-checks.ts';
import type { AnswerMeasurement } from '../../../../electron/agent/inference/measurement.ts';
import type { InferenceRequest } from '../../../../electron/agent/inference/request.ts';
import type { Upstream, UpstreamDescription } from '../../../../electron/agent/inference/upstream.ts';
import type { WireResponse } from '../../../../electron/agent/inference/wire-response.ts';

const model: CheckedModel = {
  engineId: 'engine',
  engineKind: 'ollama',
  owned: true,
  modelId: 'model',
  name: 'Model',
  contextLength: 8_192,
  trainedContextLength: 8_192,
  quantization: 'Q4_K_M',
  capabilities: ['chat'],
  hasChatTemplate: true,
  prefillTokensPerSecond: 1_000,
};

interface Body {
  readonly messages: readonly [{ readonly content: string }];
  readonly stream: boolean;
}

/** An engine that counts words, and answers at once or when it is told to. */
class Engine implements Upstream {
  loaded = true;
  hold = false;
  fails = false;
  /** Most prompt tokens it reads. */
  window = 8_192;
  readonly requests: Body[] = [];
  aborted = 0;

  describe(): UpstreamDescription {
    return {
      id: 'engine',
      route: 'local',
      dialects: ['openai'],
      operations: ['chat'],
      ready: true,
      sentence: '',
      models: [
        { id: 'model', contextLength: null, capabilities: ['chat'], sizeBytes: 1, loaded: this.loaded, createdAtS: 0 },
      ],
      defaultModel: 'model',
      slots: 1,
    };
  }

  generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const body = JSON.parse(request.body.toString('utf8')) as Body;
    this.requests.push(body);
    if (this.fails) return Promise.reject(new AppError('engine_failed', 'It fell.'));
    if (this.hold) {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          this.aborted += 1;
          reject(new AppError('caller_gone', 'Given up.'));
        });
      });
    }
    return Promise.resolve(this.#answer(body));
  }

  #answer(body: Body): WireResponse {
    const prompt_tokens = Math.min(this.window, body.messages[0].content.split(' ').length + 10);
    const usage = { prompt_tokens, completion_tokens: 1 };
    const choice = { delta: { content: 'Hi' }, message: { content: 'Hi' }, finish_reason: 'stop' };
    const json = JSON.stringify({ choices: [choice], usage });
    const bytes = Buffer.from(body.stream ? `data: ${json}\n\ndata: [DONE]\n\n` : json);
    return {
      status: 200,
      headers: new Map(),
      body: {
        framing: { kind: 'length', lengthBytes: bytes.length },
        pipe: (sink) => {
          sink.payload(bytes, 0, bytes.length);
          sink.end();
        },
        resume: () => undefined,
        destroy: () => undefined,
      },
    };
  }
}

function open(enabled = true, facts: Partial<CheckedModel> = {}) {
  const clock = new ManualClock();
  const engine = new Engine();
  const activity = new Announcer<void>();
  const state = { idle: true, present: true };
  const checks = new ServingChecks(
    { enabled },
    {
      clock,
      logger: silentLogger,
      upstreamOf: () => engine,
      modelFacts: () => (state.present ? { ...model, ...facts } : null),
      speedBefore: () => null,
      idle: () => state.idle,
      activity,
    },
  );
  void checks.start();
  const loaded = (): void => checks.onLoaded(model);
  /** Lets time go by and everything happen that follows of it. */
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  };
  return { checks, clock, engine, activity, state, loaded, pass };
}

const measurement: AnswerMeasurement = {
  upstreamId: 'engine',
  model: 'model',
  operation: 'chat',
  promptTokens: 50,
  cachedTokens: null,
  completionTokens: 128,
  tokensPerSecond: 20,
  prefillTokensPerSecond: null,
  ttftMs: 100,
  maxTokens: 1_000,
  finish: 'length',
};

describe('a check', () => {
  it('asks three times once the engine has been quiet, and finds nothing wrong where nothing is', async () => {
    const { checks, engine, loaded, pass } = open();
    loaded();
    await pass(2_999);
    expect(engine.requests).toHaveLength(0);
    await pass(1);
    expect(engine.requests.map(({ stream }) => stream)).toEqual([false, false, true]);
    expect(checks.reports()).toEqual([
      { engineId: 'engine', modelId: 'model', state: 'done', skipped: null, findings: [] },
    ]);
    await pass(60_000);
    expect(engine.requests).toHaveLength(3);
  });

  it('tells what it found, since when, and announces it once', async () => {
    const { checks, engine, loaded, pass } = open();
    let announced = 0;
    checks.changed.subscribe(() => (announced += 1));
    engine.window = 2_048;
    loaded();
    await pass(3_000);
    expect(announced).toBe(1);
    expect(checks.notices()).toMatchObject([
      { id: 'serving-window-engine-model', severity: 'warning', since: '2026-01-01T00:00:03.000Z' },
    ]);
    // Loaded again and in order: the notice goes.
    engine.window = 8_192;
    loaded();
    await pass(3_000);
    expect(checks.notices()).toEqual([]);
  });

  it('waits while the engine works for callers, and for quiet after the last of them', async () => {
    const { engine, activity, state, loaded, pass } = open();
    state.idle = false;
    loaded();
    await pass(30_000);
    expect(engine.requests).toHaveLength(0);
    state.idle = true;
    activity.announce();
    await pass(2_999);
    expect(engine.requests).toHaveLength(0);
    await pass(1);
    expect(engine.requests).toHaveLength(3);
  });

  it('makes way at once when a caller comes, and goes on later where it was', async () => {
    const { engine, activity, state, loaded, pass, checks } = open();
    engine.hold = true;
    loaded();
    await pass(3_000);
    expect(checks.reports()[0]?.state).toBe('running');
    state.idle = false;
    activity.announce();
    expect(engine.aborted).toBe(1);
    await pass(0);
    expect(checks.reports()[0]?.state).toBe('waiting');
    state.idle = true;
    engine.hold = false;
    await pass(3_000);
    expect(checks.reports()[0]?.state).toBe('done');
    expect(engine.requests).toHaveLength(4);
  });

  it('gives up on an engine that is never quiet for long', async () => {
    const { engine, activity, state, loaded, pass, checks } = open();
    engine.hold = true;
    loaded();
    for (let count = 0; count < 20; count += 1) {
      state.idle = true;
      await pass(3_000);
      state.idle = false;
      activity.announce();
      await pass(0);
    }
    expect(engine.requests).toHaveLength(10);
    expect(checks.reports()[0]?.state).toBe('failed');
  });

  it('never asks for a model that is not in memory, for that would load it', async () => {
    const { checks, engine, loaded, pass } = open();
    loaded();
    engine.loaded = false;
    await pass(3_000);
    expect(engine.requests).toHaveLength(0);
    expect(checks.reports()).toEqual([]);
  });

  it('is given up when the engine fails or takes too long', async () => {
    const failing = open();
    failing.engine.fails = true;
    failing.loaded();
    await failing.pass(3_000);
    expect(failing.checks.reports()[0]?.state).toBe('failed');

    const hanging = open();
    hanging.engine.hold = true;
    hanging.loaded();
    await hanging.pass(3_000);
    await hanging.pass(45_000);
    expect(hanging.engine.aborted).toBe(1);
    expect(hanging.checks.reports()[0]?.state).toBe('failed');
  });

  it('says why the long prompt was left out', async () => {
    const { checks, engine, loaded, pass } = open(true, { prefillTokensPerSecond: 20 });
    loaded();
    await pass(3_000);
    expect(checks.reports()[0]?.skipped).toBe(
      'The long prompt was left out: a prompt long enough would take 116 s to read.',
    );
    expect(engine.requests).toHaveLength(2);
  });

  it('asks nothing where that is switched off or the model writes no answers', async () => {
    for (const site of [open(false), open(true, { capabilities: ['embedding'] })]) {
      site.loaded();
      await site.pass(60_000);
      expect(site.engine.requests).toHaveLength(0);
    }
  });

  it('ends with the stop', async () => {
    const { checks, clock, engine, loaded, pass } = open();
    engine.hold = true;
    loaded();
    await pass(3_000);
    await checks.stop();
    expect(engine.aborted).toBe(1);
    await pass(60_000);
    expect(engine.requests).toHaveLength(1);
    expect(clock.waiting).toBe(0);
  });
});

describe("callers' answers", () => {
  it('show a cap by themselves, also where nothing is asked', () => {
    const { checks, loaded } = open(false);
    loaded();
    for (let count = 0; count < 3; count += 1) checks.onMeasured(measurement);
    expect(checks.notices().map(({ id }) => id)).toEqual(['serving-cap-engine-model']);
  });

  it('of models that were not loaded here, of embeddings and without a count are passed over', () => {
    const { checks, loaded } = open(false);
    loaded();
    for (let count = 0; count < 3; count += 1) {
      checks.onMeasured({ ...measurement, model: 'other' });
      checks.onMeasured({ ...measurement, operation: 'embedding' });
      checks.onMeasured({ ...measurement, completionTokens: null });
    }
    expect(checks.notices()).toEqual([]);
  });

  it('leave no notice of a model that is gone', () => {
    const { checks, loaded, state } = open(false);
    loaded();
    for (let count = 0; count < 3; count += 1) checks.onMeasured(measurement);
    state.present = false;
    expect(checks.notices()).toEqual([]);
  });
});
