import { describe, expect, it } from 'vitest';
import { png, refusal, respond } from './decoding.ts';

const text = (word: string): object => ({ kind: 'text', text: word });

describe('POST /v1/responses', () => {
  it('takes a text, with instructions before it', () => {
    const { query, passes, operation } = respond({
      instructions: 'Be brief.',
      input: 'Hi',
    });
    expect(query.turns).toEqual([
      { role: 'system', text: 'Be brief.' },
      { role: 'user', parts: [text('Hi')] },
    ]);
    expect({ passes, operation }).toEqual({ passes: false, operation: 'chat' });
    expect(query.usageInStream).toBeUndefined();
  });

  it('takes what real callers send', () => {
    const decoded = respond({
      input: [
        {
          role: 'system',
          content: [{ type: 'input_text', text: 'Be brief.' }],
        },
        {
          type: 'message',
          role: 'user',
          content: [{ type: 'input_text', text: 'Hi' }],
        },
        { role: 'user', content: 'And?' },
      ],
      store: false,
      stream: true,
      max_output_tokens: 32,
      tools: [
        {
          type: 'function',
          name: 'look',
          description: null,
          parameters: null,
          strict: false,
        },
      ],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'medium', summary: 'auto' },
      text: { format: { type: 'text' }, verbosity: 'low' },
      temperature: 0.5,
      metadata: { a: 'b' },
      prompt_cache_key: 'k',
      user: 'u',
    });
    expect(decoded.ignored).toEqual(['prompt_cache_key', 'user', 'text.verbosity', 'include']);
    expect(decoded.query).toMatchObject({
      turns: [
        { role: 'system', text: 'Be brief.' },
        { role: 'user', parts: [text('Hi')] },
        { role: 'user', parts: [text('And?')] },
      ],
      tools: [
        {
          name: 'look',
          description: null,
          parameters: { type: 'object', properties: {} },
        },
      ],
      toolChoice: 'auto',
      parallelCalls: true,
      thinking: true,
      maxTokens: 32,
      shape: { kind: 'text' },
      sampling: { temperature: 0.5 },
    });
    expect(decoded.stream).toBe(true);
  });

  it('names what it does not keep', () => {
    expect(respond({ store: true, truncation: 'auto' }).ignored).toEqual(['store', 'truncation']);
    expect(respond({ text: { verbosity: null } }).ignored).toEqual([]);
  });

  it('joins what an assistant thought, said and called, and only neighbours', () => {
    const { query, needs } = respond({
      input: [
        { role: 'user', content: 'Weather?' },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [],
          content: [{ type: 'reasoning_text', text: 'Look.' }],
        },
        {
          type: 'message',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Looking.', annotations: [] }],
        },
        {
          type: 'function_call',
          id: 'fc_1',
          call_id: 'c1',
          name: 'look',
          arguments: '{}',
          status: 'completed',
        },
        {
          type: 'function_call',
          call_id: 'c2',
          name: 'look',
          arguments: '{"a":1}',
        },
        { type: 'function_call_output', call_id: 'c1', output: 'Rain' },
        {
          type: 'function_call_output',
          call_id: 'c2',
          output: [{ type: 'input_text', text: 'Sun' }],
        },
        {
          type: 'reasoning',
          id: 'rs_2',
          summary: [{ type: 'summary_text', text: 'Both.' }],
        },
        { type: 'function_call', call_id: 'c3', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c3', output: '' },
        { role: 'assistant', content: 'One.' },
        { role: 'assistant', content: 'Two.' },
      ],
    });
    expect(query.turns.slice(1)).toEqual([
      {
        role: 'assistant',
        text: 'Looking.',
        reasoning: 'Look.',
        calls: [
          { id: 'c1', name: 'look', argumentsText: '{}' },
          { id: 'c2', name: 'look', argumentsText: '{"a":1}' },
        ],
      },
      {
        role: 'tool',
        callId: 'c1',
        name: null,
        parts: [text('Rain')],
        failed: false,
      },
      {
        role: 'tool',
        callId: 'c2',
        name: null,
        parts: [text('Sun')],
        failed: false,
      },
      {
        role: 'assistant',
        text: '',
        reasoning: 'Both.',
        calls: [{ id: 'c3', name: 'look', argumentsText: '{}' }],
      },
      {
        role: 'tool',
        callId: 'c3',
        name: null,
        parts: [text('')],
        failed: false,
      },
      { role: 'assistant', text: 'One.', reasoning: null, calls: [] },
      { role: 'assistant', text: 'Two.', reasoning: null, calls: [] },
    ]);
    expect(needs.get('tools')).toBe('input[3].type');
  });

  const call = (id: string): object => ({
    type: 'function_call',
    call_id: id,
    name: 'look',
    arguments: '{}',
  });
  const result = (id: string): object => ({
    type: 'function_call_output',
    call_id: id,
    output: 'Rain',
  });
  const thought = (word: string): object => ({
    type: 'reasoning',
    summary: [{ type: 'summary_text', text: word }],
  });
  const said = (word: string): object => ({ role: 'assistant', content: word });

  it.each([
    ['thoughts between them', [thought('A'), call('c1'), thought('B'), call('c2')], { reasoning: 'A\n\nB', text: '' }],
    ['hidden thoughts between them', [call('c1'), { type: 'reasoning', summary: [] }, call('c2')], { text: '' }],
    ['words behind them', [call('c1'), call('c2'), said('Both.')], { reasoning: null, text: 'Both.' }],
    ['words around them', [said('A'), call('c1'), said('B'), said(''), call('c2')], { text: 'A\n\nB' }],
  ])('keeps calls with %s in one turn, right before their results', (_name, items, turn) => {
    const { query } = respond({
      input: [...items, result('c1'), result('c2')],
    });
    expect(query.turns).toMatchObject([
      { role: 'assistant', ...turn, calls: [{ id: 'c1' }, { id: 'c2' }] },
      { role: 'tool', callId: 'c1' },
      { role: 'tool', callId: 'c2' },
    ]);
  });

  it('keeps what was thought and said without a call apart', () => {
    expect(
      respond({
        input: [thought('A'), said('One.'), thought('B'), said('Two.')],
      }).query.turns,
    ).toMatchObject([
      { role: 'assistant', reasoning: 'A', text: 'One.' },
      { role: 'assistant', reasoning: 'B', text: 'Two.' },
    ]);
  });

  it('reads images, and refuses stored files', () => {
    const image = {
      type: 'input_image',
      image_url: `data:image/png;base64,${png}`,
      detail: 'auto',
    };
    const { query, needs } = respond({
      input: [{ role: 'user', content: [image] }],
    });
    expect(query.turns).toEqual([
      {
        role: 'user',
        parts: [{ kind: 'image', mediaType: 'image/png', base64: png }],
      },
    ]);
    expect(needs.get('vision')).toBe('input[0].content');
    const stored = { type: 'input_image', file_id: 'file_1' };
    expect(refusal(() => respond({ input: [{ role: 'user', content: [stored] }] }))).toMatchObject({
      param: 'input[0].content[0].file_id',
    });
  });

  it('reads the form of the answer', () => {
    const schema = { type: 'object' };
    const { query, needs } = respond({
      text: {
        format: { type: 'json_schema', name: 'x', schema, strict: true },
      },
    });
    expect(query.shape).toEqual({
      kind: 'schema',
      name: 'x',
      schema,
      strict: true,
    });
    expect(needs.get('json')).toBe('text.format');
    expect(respond({ text: { format: { type: 'json_object' } } }).query.shape).toEqual({ kind: 'json' });
  });

  it('reads probabilities by either way of asking', () => {
    const asked = respond({ include: ['message.output_text.logprobs'] });
    expect(asked.query.logprobs).toBe(0);
    expect(asked.needs.get('logprobs')).toBe('include');
    expect(asked.ignored).toEqual([]);
    expect(respond({ top_logprobs: 3 }).query.logprobs).toBe(3);
    expect(respond({ top_logprobs: 0 }).query.logprobs).toBeNull();
  });
});
