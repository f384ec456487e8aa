import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import type { Asker } from './cells.ts';

export interface Question {
  readonly model: string;
  readonly stream: boolean;
  readonly with: 'nothing' | 'tools' | 'image' | 'schema';
  /** What is said first; default: a greeting. */
  readonly says?: string;
  /** Most tokens of the answer; default: 100. */
  readonly tokens?: number;
  /** Default: what the engine takes, by lot. 0 has the same answer each time. */
  readonly temperature?: number;
  readonly signal?: AbortSignal;
  /** Hears that a piece of the answer came. */
  readonly onPiece?: () => void;
}

/** What a caller made of an answer, whatever its dialect. */
export interface Heard {
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
  readonly finish: string;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
}

export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=';
export const weatherText = 'It is sunny in Bergen.';
const schema = {
  type: 'object',
  properties: { ok: { type: 'boolean' } },
  required: ['ok'],
  additionalProperties: false,
};
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } as const;
const tool = { name: 'get_weather', description: 'The weather in a city', parameters };
const earlier = { city: 'Bergen' };

type Ask = (url: string, question: Question) => Promise<Heard>;

/** Asks as the users of each client library do; throws what the library throws. */
export const callers: Readonly<Record<Asker, Ask>> = {
  'openai chat': openAiChat,
  'openai responses': openAiResponses,
  'anthropic messages': anthropicMessages,
  'ollama chat': ollamaChat,
};

async function openAiChat(url: string, question: Question): Promise<Heard> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
  const options = question.signal ? { signal: question.signal } : {};
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: question.says ?? 'Hello' }];
  if (question.with === 'image') {
    const image_url = { url: `data:image/png;base64,${pixel}` };
    messages[0] = {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url },
      ],
    };
  }
  if (question.with === 'tools') {
    const call = { name: tool.name, arguments: JSON.stringify(earlier) };
    messages.push(
      { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: call }] },
      { role: 'tool', tool_call_id: 'c1', content: weatherText },
      { role: 'user', content: 'And in Oslo?' },
    );
  }
  const body = {
    model: question.model,
    messages,
    max_tokens: question.tokens ?? 100,
    ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
    ...(question.with === 'tools' ? { tools: [{ type: 'function' as const, function: tool }] } : {}),
    ...(question.with === 'schema'
      ? { response_format: { type: 'json_schema' as const, json_schema: { name: 'yes', schema, strict: true } } }
      : {}),
  };
  if (!question.stream) {
    const answer = await client.chat.completions.create(body, options);
    const choice = answer.choices[0];
    const calls = (choice?.message.tool_calls ?? []).flatMap((each) =>
      each.type === 'function'
        ? [{ name: each.function.name, input: JSON.parse(each.function.arguments) as unknown }]
        : [],
    );
    return {
      text: choice?.message.content ?? '',
      calls,
      finish: choice?.finish_reason ?? '',
      promptTokens: answer.usage?.prompt_tokens ?? null,
      completionTokens: answer.usage?.completion_tokens ?? null,
    };
  }
  const stream = await client.chat.completions.create(
    { ...body, stream: true, stream_options: { include_usage: true } },
    options,
  );
  const calls: { name: string; text: string }[] = [];
  let heard: Heard = { text: '', calls: [], finish: '', promptTokens: null, completionTokens: null };
  for await (const { choices, usage } of stream) {
    const choice = choices[0];
    for (const each of choice?.delta.tool_calls ?? []) {
      const call = (calls[each.index] ??= { name: '', text: '' });
      call.name += each.function?.name ?? '';
      call.text += each.function?.arguments ?? '';
    }
    heard = {
      ...heard,
      text: heard.text + (choice?.delta.content ?? ''),
      finish: choice?.finish_reason ?? heard.finish,
      promptTokens: usage?.prompt_tokens ?? heard.promptTokens,
      completionTokens: usage?.completion_tokens ?? heard.completionTokens,
    };
    if (heard.text !== '') question.onPiece?.();
  }
  // The library ends a stream that was aborted as if it were over.
  if (heard.finish === '') throw new Error('The stream ended without a reason.');
  return { ...heard, calls: calls.map(({ name, text }) => ({ name, input: JSON.parse(text) as unknown })) };
}

async function openAiResponses(url: string, question: Question): Promise<Heard> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
  const options = question.signal ? { signal: question.signal } : {};
  const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: question.says ?? 'Hello' }];
  if (question.with === 'image') {
    const image_url = `data:image/png;base64,${pixel}`;
    input[0] = {
      role: 'user',
      content: [
        { type: 'input_text', text: 'What is this?' },
        { type: 'input_image', image_url, detail: 'auto' },
      ],
    };
  }
  if (question.with === 'tools') {
    input.push(
      { type: 'function_call', call_id: 'c1', name: tool.name, arguments: JSON.stringify(earlier) },
      { type: 'function_call_output', call_id: 'c1', output: weatherText },
      { role: 'user', content: 'And in Oslo?' },
    );
  }
  const body = {
    model: question.model,
    input,
    store: false,
    max_output_tokens: question.tokens ?? 100,
    ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
    ...(question.with === 'tools' ? { tools: [{ type: 'function' as const, ...tool, strict: false }] } : {}),
    ...(question.with === 'schema'
      ? { text: { format: { type: 'json_schema' as const, name: 'yes', schema, strict: true } } }
      : {}),
  };
  if (!question.stream) return responseHeard(await client.responses.create(body, options));
  const stream = await client.responses.create({ ...body, stream: true }, options);
  let last: OpenAI.Responses.Response | null = null;
  let streamed = '';
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') {
      streamed += event.delta;
      question.onPiece?.();
    }
    if (event.type === 'response.completed' || event.type === 'response.incomplete') last = event.response;
    if (event.type === 'error') throw new Error(event.message);
    if (event.type === 'response.failed') throw new Error(event.response.error?.message ?? 'failed');
  }
  if (last === null) throw new Error('The stream ended without its last event.');
  const heard = responseHeard(last);
  if (heard.text !== streamed) throw new Error(`The pieces say "${streamed}", the whole says "${heard.text}".`);
  return heard;
}

function responseHeard(response: OpenAI.Responses.Response): Heard {
  const calls = response.output.flatMap((item) =>
    item.type === 'function_call' ? [{ name: item.name, input: JSON.parse(item.arguments) as unknown }] : [],
  );
  const texts = response.output.flatMap((item) =>
    item.type === 'message' ? item.content.map((part) => (part.type === 'output_text' ? part.text : '')) : [],
  );
  return {
    text: texts.join(''),
    calls,
    finish: calls.length > 0 ? 'tool_calls' : response.status === 'completed' ? 'stop' : String(response.status),
    promptTokens: response.usage?.input_tokens ?? null,
    completionTokens: response.usage?.output_tokens ?? null,
  };
}

const anthropicFinish: Readonly<Record<string, string>> = { end_turn: 'stop', tool_use: 'tool_calls' };

async function anthropicMessages(url: string, question: Question): Promise<Heard> {
  const client = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });
  const options = question.signal ? { signal: question.signal } : {};
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: question.says ?? 'Hello' }];
  if (question.with === 'image') {
    messages[0] = {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } },
      ],
    };
  }
  if (question.with === 'tools') {
    messages.push(
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: tool.name, input: earlier }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: weatherText }] },
      { role: 'user', content: 'And in Oslo?' },
    );
  }
  const body = {
    model: question.model,
    max_tokens: question.tokens ?? 100,
    messages,
    ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
    ...(question.with === 'tools'
      ? {
          tools: [
            { name: tool.name, description: tool.description, input_schema: { ...parameters, required: ['city'] } },
          ],
        }
      : {}),
    ...(question.with === 'schema' ? { output_config: { format: { type: 'json_schema' as const, schema } } } : {}),
  };
  let message: Anthropic.Message;
  if (question.stream) {
    const stream = client.messages.stream(body, options);
    stream.on('text', () => question.onPiece?.());
    message = await stream.finalMessage();
  } else message = await client.messages.create(body, options);
  const { content, stop_reason, usage } = message;
  return {
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    calls: content.flatMap((block) => (block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : [])),
    finish: anthropicFinish[stop_reason ?? ''] ?? String(stop_reason),
    promptTokens: usage.input_tokens,
    completionTokens: usage.output_tokens,
  };
}

async function ollamaChat(url: string, question: Question): Promise<Heard> {
  const { signal } = question;
  const client = new Ollama({
    host: url,
    fetch: (input, init) => fetch(input, signal ? { ...init, signal } : init),
  });
  const messages: {
    role: string;
    content: string;
    images?: string[];
    tool_name?: string;
    tool_calls?: { function: { name: string; arguments: Record<string, unknown> } }[];
  }[] = [
    { role: 'user', content: question.says ?? 'Hello', ...(question.with === 'image' ? { images: [pixel] } : {}) },
  ];
  if (question.with === 'tools') {
    messages.push(
      { role: 'assistant', content: '', tool_calls: [{ function: { name: tool.name, arguments: earlier } }] },
      { role: 'tool', content: weatherText, tool_name: tool.name },
      { role: 'user', content: 'And in Oslo?' },
    );
  }
  const body = {
    model: question.model,
    messages,
    options: {
      num_predict: question.tokens ?? 100,
      ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
    },
    ...(question.with === 'tools'
      ? {
          tools: [
            {
              type: 'function',
              function: { ...tool, parameters: { ...parameters, required: ['city'] } },
            },
          ],
        }
      : {}),
    ...(question.with === 'schema' ? { format: schema } : {}),
  };
  const parts: Awaited<ReturnType<typeof whole>>[] = [];
  const whole = () => client.chat({ ...body, stream: false });
  if (question.stream) {
    for await (const part of await client.chat({ ...body, stream: true })) {
      parts.push(part);
      if (part.message.content !== '') question.onPiece?.();
    }
  } else parts.push(await whole());
  const last = parts.at(-1);
  if (last?.done !== true) throw new Error('The stream ended without its last line.');
  const calls = parts.flatMap(({ message }) => message.tool_calls ?? []);
  return {
    text: parts.map(({ message }) => message.content).join(''),
    calls: calls.map(({ function: { name, arguments: input } }) => ({ name, input })),
    // The dialect has no reason of its own for calls.
    finish: calls.length > 0 ? 'tool_calls' : last.done_reason,
    promptTokens: last.prompt_eval_count,
    completionTokens: last.eval_count,
  };
}
