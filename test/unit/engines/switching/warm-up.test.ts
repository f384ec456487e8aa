import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { warmUp } from '../../../../electron/agent/engines/switching/warm-up.ts';
import type { InferenceRequest } from '../../../../electron/agent/inference/request.ts';
import type { Upstream, UpstreamDescription } from '../../../../electron/agent/inference/upstream.ts';
import type { WireSink } from '../../../../electron/agent/inference/wire-response.ts';

const description: UpstreamDescription = {
  id: 'e',
  route: 'local',
  dialects: ['openai'],
  operations: [],
  ready: true,
  sentence: '',
  models: [],
  defaultModel: null,
  slots: 1,
};

/** An upstream whose answer the test plays. */
function upstream(play: (sink: WireSink) => void, status = 200) {
  const asked: InferenceRequest[] = [];
  const it: Upstream = {
    describe: () => description,
    generate: (request) => {
      asked.push(request);
      const body = { framing: { kind: 'none' as const }, pipe: play, resume: nothing, destroy: nothing };
      return Promise.resolve({ status, headers: new Map<string, string>(), body });
    },
  };
  return { it, asked };
}
const nothing = (): void => undefined;
const says = (text: string) => (sink: WireSink) => {
  const bytes = Buffer.from(text);
  sink.payload(bytes, 0, bytes.length);
  sink.end();
};
const never = new AbortController().signal;
const completion = { modelId: 'horse', capabilities: ['chat' as const, 'completion' as const] };

describe('the first short request to a model', () => {
  it('asks for one token of text, or for a vector where the model makes nothing else', async () => {
    const good = upstream(says('{"choices":[{"text":""}]}'));
    await warmUp(good.it, completion, never, { clock: new ManualClock() });
    expect(good.asked[0]).toMatchObject({ operation: 'completion', model: 'horse' });
    expect(JSON.parse(good.asked[0]?.body.toString() ?? '')).toMatchObject({ max_tokens: 1, model: 'horse' });
    const vector = upstream(says('{"data":[{"embedding":[1]}]}'));
    await warmUp(vector.it, { modelId: 'e', capabilities: ['embedding'] }, never, { clock: new ManualClock() });
    expect(vector.asked[0]?.operation).toBe('embedding');
  });

  it.each<[string, Parameters<typeof upstream>]>([
    ['an error', [says('{"error":{}}'), 500]],
    ['no JSON', [says('<html>')]],
    ['no choice', [says('{"choices":[]}')]],
  ])('is not answered by %s', async (_name, answer) => {
    const { it: dumb } = upstream(...answer);
    await expect(warmUp(dumb, completion, never, { clock: new ManualClock() })).rejects.toMatchObject({
      code: 'model_unusable',
    });
  });

  it('ends when it breaks off, when it is given up, and when nothing comes', async () => {
    const clock = new ManualClock();
    const broken = upstream((sink) => sink.fail(new AppError('upstream_failed', 'It fell.'), true));
    await expect(warmUp(broken.it, completion, never, { clock })).rejects.toMatchObject({ code: 'upstream_failed' });
    // A body that was given up says nothing more, so nobody may wait for its end.
    const caller = new AbortController();
    const given = warmUp(upstream(nothing).it, completion, caller.signal, { clock });
    caller.abort();
    await expect(given).rejects.toMatchObject({ code: 'caller_gone' });
    const silent = warmUp(upstream(nothing).it, completion, never, { clock });
    const failure = expect(silent).rejects.toMatchObject({ code: 'model_unusable' });
    clock.advance(180_000);
    await failure;
  });
});
