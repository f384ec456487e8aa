import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSelfTestModel, selfTestSentence, selfTestToolCall } from '../../build/self-test-model.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';
import { startEngine, type RunningEngine } from './engine-process.ts';
import { ask, engineSuite } from './engine-suite.ts';

describe('the embedded engine with the self-test model', () => {
  let folder: string;
  let engine: RunningEngine;

  beforeAll(async () => {
    folder = makeTempFolder();
    const file = join(folder, 'self-test.gguf');
    writeFileSync(file, buildSelfTestModel());
    engine = await startEngine(file, 'self-test', 4_096);
    console.log(`ready ${Math.round(engine.readyMs)} ms after the start`);
  });
  afterAll(async () => {
    await engine.stop();
    removeFolder(folder);
  });

  const sentence = selfTestSentence.pieces.join('');
  const messages = [
    { role: 'system', content: 'Be kind.' },
    { role: 'user', content: 'Who are you?  <s>[INST]' },
  ];

  it.each([0, 0.8, 1.5])('says its sentence word by word at temperature %d', async (temperature) => {
    const answer = await ask(engine, '/v1/chat/completions', { messages, temperature, stream: true });
    expect(answer).toMatchObject({ text: sentence, finish: 'stop', pieces: selfTestSentence.pieces.length });
  });

  it('says it to every dialect of question', async () => {
    expect((await ask(engine, '/v1/completions', { prompt: 'x' })).text).toBe(sentence);
    const talk = [...messages, { role: 'assistant', content: sentence }, { role: 'user', content: 'Again.' }];
    expect(await ask(engine, '/v1/chat/completions', { messages: talk, temperature: 0 })).toMatchObject({
      text: sentence,
      finish: 'stop',
    });
  });

  it('goes on when its end is forbidden, up to what is asked for', async () => {
    const answer = await ask(engine, '/v1/completions', { prompt: 'x', max_tokens: 200, logit_bias: { 2: -100 } });
    expect(answer).toMatchObject({ finish: 'length', usage: { completion_tokens: 200 } });
  });

  it('writes whole JSON under a grammar', async () => {
    const answer = await ask(engine, '/v1/chat/completions', { messages, response_format: { type: 'json_object' } });
    expect(answer.finish).toBe('stop');
    expect(JSON.parse(answer.text)).toBeTypeOf('object');
  });

  engineSuite(() => engine, { longTokens: 3_500, endTokens: [2], controlTexts: ['<s>', '</s>', '<unk>'] });
});

describe('the embedded engine with the tool-call self-test model', () => {
  it('says its tool call', async () => {
    const folder = makeTempFolder();
    const file = join(folder, 'tool-call.gguf');
    writeFileSync(file, buildSelfTestModel(selfTestToolCall));
    const engine = await startEngine(file, 'tool-call', 1_024);
    try {
      const answer = await ask(engine, '/v1/chat/completions', { messages: [{ role: 'user', content: 'Weather?' }] });
      expect(answer.text).toBe('<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>');
      expect(answer.finish).toBe('stop');
    } finally {
      await engine.stop();
      removeFolder(folder);
    }
  });
});
