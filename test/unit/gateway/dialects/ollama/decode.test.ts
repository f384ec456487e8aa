import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../../electron/agent/base/errors.ts';
import { ollamaDialect } from '../../../../../electron/agent/gateway/dialects/ollama/ollama-dialect.ts';
import type { Decoded } from '../../../../../electron/agent/gateway/dialects/surface.ts';

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const hello = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };

function decode(path: string, body: object): Decoded {
  const surface = ollamaDialect.surfaces[path];
  if (!surface) throw new Error('no such surface');
  return surface.decode(Buffer.from(JSON.stringify(body)));
}

function refusal(path: string, body: object): { code: string; param: unknown } {
  try {
    decode(path, body);
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, param: error.context['param'] };
    throw error;
  }
  return { code: 'accepted', param: null };
}

describe('POST /api/chat', () => {
  it('streams unless told not to, and passes bytes of an Ollama', () => {
    expect(decode('/api/chat', hello)).toMatchObject({ stream: true, passes: true, operation: 'chat', ignored: [] });
    expect(decode('/api/chat', { ...hello, stream: false }).stream).toBe(false);
  });

  it('keeps the model’s name as it was written, with :latest or without', () => {
    expect(decode('/api/chat', { ...hello, model: 'gemma:latest' }).model).toBe('gemma:latest');
    expect(decode('/api/chat', { ...hello, model: 'gemma:2b' }).model).toBe('gemma:2b');
  });

  it('reads what a popular agent sends: no limit, truncate and shift false, think false, no options', () => {
    const asked = decode('/api/chat', { ...hello, truncate: false, shift: false, think: false, options: {} });
    expect(asked.ignored).toEqual([]);
    expect(asked.query).toMatchObject({ maxTokens: null, thinking: false });
  });

  it('reads what a popular editor sends: images: [] on every message, num_ctx', () => {
    const asked = decode('/api/chat', {
      model: 'm',
      messages: [{ role: 'user', content: 'hello', images: [] }],
      options: { num_ctx: 8192, temperature: 0 },
    });
    expect([...asked.needs.keys()]).toEqual(['chat']);
    expect(asked.ignored).toEqual(['options.num_ctx']);
    expect(asked.extras).toEqual({ options: { num_ctx: 8192 } });
    expect(asked.query).toMatchObject({ sampling: { temperature: 0 } });
  });

  it('reads sampling, and −1 and −2 as no limit', () => {
    const options = {
      temperature: 0.5,
      top_k: 40,
      top_p: 0.9,
      min_p: 0.1,
      seed: 7,
      stop: ['a', 'b'],
      num_predict: 12,
      repeat_penalty: 1.1,
      presence_penalty: 0.1,
      frequency_penalty: 0.2,
      mirostat: 1,
    };
    expect(decode('/api/chat', { ...hello, options })).toMatchObject({
      query: {
        stop: ['a', 'b'],
        maxTokens: 12,
        sampling: {
          temperature: 0.5,
          topK: 40,
          topP: 0.9,
          minP: 0.1,
          seed: 7,
          repeatPenalty: 1.1,
          presencePenalty: 0.1,
          frequencyPenalty: 0.2,
        },
      },
      extras: { options: { mirostat: 1 } },
    });
    for (const limit of [-1, -2, 0]) {
      expect(decode('/api/chat', { ...hello, options: { num_predict: limit } }).query).toMatchObject({
        maxTokens: null,
      });
    }
    expect(decode('/api/chat', { ...hello, options: { seed: -1, stop: 'x' } }).query).toMatchObject({
      sampling: {},
      stop: ['x'],
    });
  });

  it('ties calls and answers of tools together, whether they have ids or names only', () => {
    const asked = decode('/api/chat', {
      model: 'm',
      messages: [
        { role: 'user', content: 'weather' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            { function: { name: 'weather', arguments: { city: 'Oslo' } } },
            { function: { name: 'time', arguments: '{"zone":1}' } },
            { id: 'given', function: { name: 'weather', arguments: {} } },
          ],
        },
        { role: 'tool', tool_name: 'time', content: '12' },
        { role: 'tool', tool_name: 'weather', content: 'rain' },
        { role: 'tool', tool_call_id: 'given', content: 'sun' },
      ],
      tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
    });
    expect(asked.query).toMatchObject({
      turns: [
        { role: 'user' },
        {
          calls: [
            { id: 'call_1_0', name: 'weather', argumentsText: '{"city":"Oslo"}' },
            { id: 'call_1_1', name: 'time', argumentsText: '{"zone":1}' },
            { id: 'given' },
          ],
        },
        { role: 'tool', callId: 'call_1_1', name: 'time' },
        { role: 'tool', callId: 'call_1_0', name: 'weather' },
        { role: 'tool', callId: 'given', name: 'weather' },
      ],
      tools: [{ name: 'weather', description: null, parameters: { type: 'object' } }],
    });
    expect([...asked.needs]).toEqual([
      ['chat', 'messages'],
      ['tools', 'tools'],
    ]);
  });

  it('reads images, thinking, format, think and logprobs', () => {
    const asked = decode('/api/chat', {
      model: 'm',
      messages: [
        { role: 'user', content: 'what', images: [png] },
        { role: 'assistant', content: 'a', thinking: 'hm' },
      ],
      format: { type: 'object' },
      think: 'low',
      logprobs: true,
      top_logprobs: 3,
      keep_alive: '5m',
      priority: 'low',
    });
    expect(asked).toMatchObject({
      priority: 'low',
      extras: { think: 'low' },
      query: {
        thinking: true,
        logprobs: 3,
        keepAlive: '5m',
        shape: { kind: 'schema', schema: { type: 'object' } },
        turns: [
          { parts: [{ kind: 'text' }, { kind: 'image', mediaType: 'image/png', base64: png }] },
          { reasoning: 'hm' },
        ],
      },
    });
    expect([...asked.needs.keys()].sort()).toEqual(['chat', 'json', 'logprobs', 'vision']);
  });

  it('names what takes no effect', () => {
    expect(decode('/api/chat', { ...hello, context: [1], truncate: true, options: { made_up: 1 } }).ignored).toEqual([
      'context',
      'truncate',
      'options.made_up',
    ]);
  });
});

describe('loading and unloading', () => {
  const facts = { model: 'm', trace: 't', createdS: 0 };
  const answer = {
    id: null,
    model: null,
    text: 'x',
    reasoning: null,
    calls: [],
    finish: 'length',
    stopSequence: null,
    logprobs: null,
    usage: null,
    timings: null,
  } as const;

  it('loads by one token that nobody sees', () => {
    for (const [path, body] of [
      ['/api/chat', { model: 'm' }],
      ['/api/chat', { model: 'm', messages: [] }],
      ['/api/generate', { model: 'm', prompt: '' }],
    ] as const) {
      const asked = decode(path, body);
      expect(asked).toMatchObject({ stream: false, passes: false, query: { maxTokens: 1 } });
      expect(asked.immediate).toBeUndefined();
      const whole = asked.writer(facts).whole(answer);
      expect(whole).toMatchObject({ done: true, done_reason: 'load' });
      expect(JSON.stringify(whole)).not.toContain('x');
    }
  });

  it('agrees to unload without asking anyone', () => {
    for (const keep_alive of [0, '0', '0s']) {
      const asked = decode('/api/generate', { model: 'm', keep_alive });
      expect(asked.immediate).toBeDefined();
      expect(asked.ignored).toEqual(['keep_alive']);
      expect(asked.writer(facts).whole(answer)).toMatchObject({ response: '', done: true, done_reason: 'unload' });
    }
  });
});

describe('POST /api/generate', () => {
  it('is a chat of one message, whose answer has another form', () => {
    expect(decode('/api/generate', { model: 'm', prompt: 'p', system: 's', images: [png] })).toMatchObject({
      operation: 'chat',
      passes: false,
      stream: true,
      query: {
        turns: [
          { role: 'system', text: 's' },
          { role: 'user', parts: [{ kind: 'text', text: 'p' }, { kind: 'image' }] },
        ],
      },
    });
  });

  it('is a completion when it is raw', () => {
    expect(decode('/api/generate', { model: 'm', prompt: 'p', raw: true })).toMatchObject({
      operation: 'completion',
      passes: true,
      query: { operation: 'completion', prompt: 'p' },
    });
  });
});

describe('embeddings', () => {
  it('takes one text or many', () => {
    expect(decode('/api/embed', { model: 'm', input: 'a', dimensions: 8 })).toMatchObject({
      stream: false,
      passes: true,
      query: { operation: 'embedding', inputs: ['a'], dimensions: 8 },
    });
    expect(decode('/api/embed', { model: 'm', input: ['a', 'b'] }).query).toMatchObject({ inputs: ['a', 'b'] });
    expect(decode('/api/embeddings', { model: 'm', prompt: 'a' })).toMatchObject({
      passes: false,
      query: { inputs: ['a'] },
    });
  });
});

describe('embeddings of nothing', () => {
  it('are nothing, and nobody is asked', () => {
    const facts = { model: 'm', trace: 't', createdS: 0 };
    const many = decode('/api/embed', { model: 'm', input: [] });
    const one = decode('/api/embeddings', { model: 'm', prompt: '' });
    if (!many.immediate || !one.immediate) throw new Error('somebody would be asked');
    expect(many.writer(facts).whole(many.immediate)).toEqual({ model: 'm', embeddings: [] });
    expect(one.writer(facts).whole(one.immediate)).toEqual({ embedding: [] });
  });
});

describe('what is refused, with the field named', () => {
  const user = (more: object): object => ({ ...hello, ...more });
  const cases: readonly (readonly [string, string, object, string])[] = [
    ['B37 n_discard', '/api/chat', user({ options: { n_discard: 1 } }), 'options.n_discard'],
    ['B38 chat_parser', '/api/chat', user({ chat_parser: 'x' }), 'chat_parser'],
    ['B38 id_slot', '/api/chat', user({ options: { id_slot: 1 } }), 'options.id_slot'],
    ['B42 a limit below −2', '/api/chat', user({ options: { num_predict: -3 } }), 'options.num_predict'],
    ['B42 a limit of 1e12', '/api/chat', user({ options: { num_predict: 1e12 } }), 'options.num_predict'],
    ['B42 a limit as text', '/api/chat', user({ options: { num_predict: '5' } }), 'options.num_predict'],
    ['B43 temperature −1', '/api/chat', user({ options: { temperature: -1 } }), 'options.temperature'],
    ['B43 temperature 1e308', '/api/chat', user({ options: { temperature: 1e308 } }), 'options.temperature'],
    ['B44 a bad role', '/api/chat', { model: 'm', messages: [{ role: 'wizard', content: 'x' }] }, 'messages[0].role'],
    ['B44 messages as text', '/api/chat', { model: 'm', messages: 'x' }, 'messages'],
    [
      'B45 a broken image',
      '/api/chat',
      { model: 'm', messages: [{ role: 'user', content: 'x', images: ['no'] }] },
      'messages[0].images[0]',
    ],
    [
      'B46 an image by address',
      '/api/chat',
      { model: 'm', messages: [{ role: 'user', content: 'x', images: ['http://169.254.169.254/x'] }] },
      'messages[0].images[0]',
    ],
    [
      'B47 a schema that repeats a million times',
      '/api/chat',
      user({ format: { type: 'string', pattern: '((a{99}){99}){99}' } }),
      'format',
    ],
    [
      'B47 a tool whose schema is fetched from elsewhere',
      '/api/chat',
      user({ tools: [{ type: 'function', function: { name: 'f', parameters: { $ref: 'http://169.254.169.254/' } } }] }),
      'tools[0].function.parameters',
    ],
    ['B48 stream as text', '/api/chat', user({ stream: 'true' }), 'stream'],
    [
      'B48 10,000 stop strings',
      '/api/chat',
      user({ options: { stop: Array.from({ length: 10_000 }, () => 'a') } }),
      'options.stop',
    ],
    ['B51 api_base', '/api/chat', user({ api_base: 'http://x' }), 'api_base'],
    ['a suffix', '/api/generate', { model: 'm', prompt: 'x', suffix: 'y' }, 'suffix'],
    ['a template', '/api/generate', { model: 'm', prompt: 'x', template: '{{ .Prompt }}' }, 'template'],
    ['images in a raw prompt', '/api/generate', { model: 'm', prompt: 'x', raw: true, images: [png] }, 'images'],
    ['no model', '/api/chat', { messages: hello.messages }, 'model'],
    ['no input', '/api/embed', { model: 'm' }, 'input'],
    ['a number as keep_alive', '/api/chat', user({ keep_alive: {} }), 'keep_alive'],
  ];
  for (const [name, path, body, param] of cases) {
    it(name, () => {
      expect(refusal(path, body)).toEqual({ code: 'invalid_request', param });
    });
  }

  it('B44 100,000 messages', () => {
    const messages = Array.from({ length: 100_000 }, () => ({ role: 'user', content: 'x' }));
    expect(refusal('/api/chat', { model: 'm', messages })).toEqual({ code: 'invalid_request', param: 'messages' });
  });

  it('fields that others refuse but that are empty here are no matter', () => {
    expect(refusal('/api/generate', { model: 'm', prompt: 'x', suffix: '', template: '' }).code).toBe('accepted');
  });
});
