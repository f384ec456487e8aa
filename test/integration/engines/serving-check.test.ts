import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  buildSelfTestModel,
  buildTernaryTestModel,
  selfTestSentence,
  selfTestToolCall,
  type SelfTestModel,
} from '../../../build/self-test-model.ts';
import { llamaQuantizeFile, testEnginesFolder } from '../../../build/test-engines/layout.ts';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import type { AnswerMeasurement } from '../../../electron/agent/inference/measurement.ts';
import { readGgufHeader } from '../../../electron/agent/models/gguf-reader.ts';
import { noticeSchema } from '../../../electron/contract/snapshot.ts';
import { RealOllama } from '../../fixtures/real-ollama.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { claimed, openChecks, ServerUnderCheck, type CheckSite } from './serving-check-rig.ts';

function computed(model: SelfTestModel): string {
  const file = path.join(tempFolder(), 'model.gguf');
  writeFileSync(file, buildSelfTestModel(model));
  return file;
}

const greeting: SelfTestModel = {
  name: 'A greeting',
  pieces: 'Good morning from this machine, which is glad to hear of you and has nothing else on its mind today.'.split(
    /(?= )/,
  ),
  chatTemplate:
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}" +
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
};

/** What a check found must be a notice with a way to mend it. */
function sentences({ checks }: CheckSite): string {
  const notices = checks.notices();
  for (const notice of notices) {
    expect(noticeSchema.parse(notice)).toEqual(notice);
    expect(notice.fix).not.toBeNull();
  }
  return notices.map(({ sentence }) => sentence).join('\n');
}

describe('the serving check on a real engine finds', () => {
  it.for([
    ['the self-test model', selfTestSentence],
    ['its sibling that calls tools', selfTestToolCall],
    ['one with another template', greeting],
  ] as const)('nothing wrong with %s', async ([, model], context) => {
    const program = testEngine(context, 'llama-server');
    await using server = await ServerUnderCheck.start(program, computed(model), ['--ctx-size', '8192']);
    using site = openChecks(server.port, { ...claimed, name: model.name });
    expect(await site.probed()).toEqual([]);
    expect(site.upstream.requests).toBe(3);
    expect(site.checks.reports()[0]).toMatchObject({ state: 'done', skipped: null });
    expect(site.checks.notices()).toEqual([]);
  });

  it('a window shorter than callers are told', async (context) => {
    const program = testEngine(context, 'llama-server');
    await using server = await ServerUnderCheck.start(program, computed(selfTestSentence), ['--ctx-size', '1536']);
    using site = openChecks(server.port, { ...claimed, contextLength: 4_096 });
    expect(await site.probed()).toEqual(['window']);
    expect(sentences(site)).toContain('callers are told 4,096 tokens');
    expect(site.upstream.requests).toBeLessThanOrEqual(3);
  });

  it('an Ollama that cuts prompts without a word', async (context) => {
    const program = testEngine(context, 'ollama');
    const gemma = testEngine(context, 'gemma');
    const env = { OLLAMA_CONTEXT_LENGTH: '256' };
    await using ollama = await RealOllama.start({ program, folder: tempFolder(), env });
    await ollama.create('gemma', gemma);
    using site = openChecks(ollama.port, {
      ...claimed,
      engineKind: 'ollama',
      owned: false,
      modelId: 'gemma',
      contextLength: 256,
      trainedContextLength: 32_768,
    });
    expect(await site.found()).toEqual(['window']);
    expect(sentences(site)).toContain('silently cuts prompts');
    expect(site.checks.notices().find(({ id }) => id.startsWith('serving-window'))?.fix).toMatchObject({
      kind: 'terminal',
      line: 'ranch-hand engines',
    });
    expect(site.upstream.requests).toBeLessThanOrEqual(3);
  }, 400_000);

  it('a base model without a chat template', async (context) => {
    const program = testEngine(context, 'llama-server');
    const gemma = testEngine(context, 'gemma');
    const { hasChatTemplate, quantization } = await readGgufHeader(gemma);
    await using server = await ServerUnderCheck.start(program, gemma, ['--ctx-size', '1024']);
    const facts = { ...claimed, hasChatTemplate, quantization, contextLength: 1_024, trainedContextLength: 1_024 };
    using site = openChecks(server.port, facts);
    expect(await site.probed()).toEqual(['template']);
    expect(sentences(site)).toContain('no chat template');
  }, 400_000);

  it('an answer that leaks the marks of a foreign template', async (context) => {
    const program = testEngine(context, 'llama-server');
    const pieces = [' Fine', ',', ' thanks', '<start_of_turn>', 'user'];
    const file = computed({ ...greeting, pieces });
    await using server = await ServerUnderCheck.start(program, file, ['--ctx-size', '8192']);
    using site = openChecks(server.port, claimed);
    expect(await site.probed()).toEqual(['template']);
    expect(sentences(site)).toContain('<start_of_turn>');
  });

  it('a cap on the length of answers', async (context) => {
    const program = testEngine(context, 'llama-server');
    const extra = ['--ctx-size', '8192', '-n', '12'];
    await using server = await ServerUnderCheck.start(program, computed(selfTestSentence), extra);
    using site = openChecks(server.port, claimed);
    expect(await site.probed()).toEqual(['cap']);
    expect(sentences(site)).toContain('end after 12 tokens');
  });

  it('a prompt cache that reuses nothing', async (context) => {
    const program = testEngine(context, 'llama-server');
    const extra = ['--ctx-size', '8192', '--no-cache-prompt'];
    await using server = await ServerUnderCheck.start(program, computed(selfTestSentence), extra);
    using site = openChecks(server.port, claimed);
    expect(await site.probed()).toEqual(['cache']);
    expect(sentences(site)).toContain('nothing is reused');
  });

  it('a quantization unfit for tools', async (context) => {
    const program = testEngine(context, 'llama-server');
    const folder = tempFolder();
    const [source, coarse] = [path.join(folder, 'f16.gguf'), path.join(folder, 'q2.gguf')];
    writeFileSync(source, buildTernaryTestModel(selfTestToolCall));
    await promisify(execFile)(path.join(testEnginesFolder(process.env), llamaQuantizeFile), [source, coarse, 'Q2_K']);
    const { quantization, hasChatTemplate, use } = await readGgufHeader(coarse);
    expect(use.tools).toBe(true);
    await using server = await ServerUnderCheck.start(program, coarse, ['--ctx-size', '8192']);
    const facts = { ...claimed, quantization, hasChatTemplate, capabilities: ['chat', 'tools'] as const };
    using site = openChecks(server.port, { ...facts, capabilities: [...facts.capabilities] });
    expect(await site.probed()).toContain('quantization');
    expect(sentences(site)).toContain('unfit for tools and code');
  });

  it('a speed far below what was measured before', async (context) => {
    const program = testEngine(context, 'llama-server');
    const gemma = testEngine(context, 'gemma');
    await using server = await ServerUnderCheck.start(program, gemma, ['--ctx-size', '1024']);
    const heard: AnswerMeasurement[] = [];
    let site: CheckSite | null = null;
    const upstream = openChecks(server.port, claimed).upstream;
    const gateway = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'n', drainMs: 0 },
      {
        upstreams: () => [upstream],
        clock: systemClock,
        logger: silentLogger,
        measured: (measurement) => {
          heard.push(measurement);
          site?.checks.onMeasured(measurement);
        },
      },
    );
    const { url } = await gateway.listen();
    const write = async (): Promise<number> => {
      const answer = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({
          model: 'model',
          stream: true,
          max_tokens: 20,
          seed: 1,
          messages: [{ role: 'user', content: 'Tell a long story of a horse.' }],
        }),
      });
      await answer.text();
      return heard.at(-1)?.tokensPerSecond ?? 0;
    };
    const usual = [await write(), await write(), await write()].sort((a, b) => a - b)[1] ?? 0;
    expect(usual).toBeGreaterThan(0);
    const before = {
      tokensPerSecond: usual,
      prefillTokensPerSecond: null,
      count: 3,
      engineId: 'engine',
      contextLength: null,
    };
    site = openChecks(server.port, claimed, { before, enabled: false });
    site.checks.onLoaded(claimed);
    const throttle = new AbortController();
    const throttled = runRarely(server.pid, throttle.signal);
    try {
      for (let count = 0; count < 3; count += 1) await write();
    } finally {
      throttle.abort();
      await throttled;
    }
    expect(site.checks.reports()[0]?.findings).toEqual(['slow']);
    expect(sentences(site)).toContain('tokens per second');
    await gateway.close();
    site[Symbol.dispose]();
    upstream.close();
  }, 400_000);
});

/**
 * As if other programs had most of the processor: the process runs for a twelfth of the time until aborted. A busy
 * machine is late with each step, so it rests for as long as it really ran, times eleven.
 */
async function runRarely(pid: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const startedMs = performance.now();
    process.kill(pid, 'SIGCONT');
    await delay(15);
    process.kill(pid, 'SIGSTOP');
    await delay((performance.now() - startedMs) * 11, null, { signal }).catch(() => null);
  }
  process.kill(pid, 'SIGCONT');
}
