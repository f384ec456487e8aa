import type { Json, JsonObject } from '../../../../electron/agent/gateway/dialects/json.ts';

type Fields = Readonly<Record<string, Json>>;

/** A route that takes a body, and how its dialect says what the bad inputs need to say. Null for what it has no word for. */
export interface BodyRoute {
  readonly path: string;
  readonly dialect: 'openai' | 'anthropic' | 'ollama';
  /** A body that is answered with 200. */
  readonly good: JsonObject;
  /** Whether something is asked of an upstream. */
  readonly asks: boolean;
  readonly streams: boolean;
  readonly limit: ((value: Json) => Fields) | null;
  readonly temperature: ((value: Json) => Fields) | null;
  readonly stop: ((value: Json) => Fields) | null;
  readonly schema: ((value: Json) => Fields) | null;
  readonly text: ((text: string) => Fields) | null;
  /** The list of messages as a whole. */
  readonly messages: ((list: Json) => Fields) | null;
  /** An image by its base64. */
  readonly image: ((base64: string) => Fields) | null;
  /** The same image so many times. */
  readonly images: ((base64: string, times: number) => Fields) | null;
  /** An image by an address that would have to be fetched. */
  readonly imageAddress: ((url: string) => Fields) | null;
}

const model = 'fake-model';
const nothing = {
  limit: null,
  temperature: null,
  stop: null,
  schema: null,
  text: null,
  messages: null,
  image: null,
  images: null,
  imageAddress: null,
} as const;
const user = (content: Json): Json => [{ role: 'user', content }];
const times = (count: number, item: Json): Json => Array<Json>(count).fill(item);
const dataUrl = (base64: string): string => `data:image/png;base64,${base64}`;
const openAiSampling = {
  limit: (value: Json) => ({ max_tokens: value }),
  temperature: (value: Json) => ({ temperature: value }),
  stop: (value: Json) => ({ stop: value }),
  schema: (schema: Json) => ({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }),
};
const ollamaSampling = {
  limit: (value: Json) => ({ options: { num_predict: value } }),
  temperature: (value: Json) => ({ options: { temperature: value } }),
  stop: (value: Json) => ({ options: { stop: value } }),
  schema: (schema: Json) => ({ format: schema }),
};
const anthropicImage = (source: Json): Fields => ({ messages: user([{ type: 'image', source }]) });
const anthropicTurns = {
  schema: (schema: Json) => ({ output_config: { format: { type: 'json_schema', schema } } }),
  text: (text: string) => ({ messages: user(text) }),
  messages: (list: Json) => ({ messages: list }),
  image: (data: string) => anthropicImage({ type: 'base64', media_type: 'image/png', data }),
  images: (data: string, count: number) => ({
    messages: user(times(count, { type: 'image', source: { type: 'base64', media_type: 'image/png', data } })),
  }),
  imageAddress: (url: string) => anthropicImage({ type: 'url', url }),
};

/** Every route that reads a body. */
export const bodyRoutes: readonly BodyRoute[] = [
  {
    path: '/v1/chat/completions',
    dialect: 'openai',
    good: { model, messages: user('Hello') },
    asks: true,
    streams: true,
    ...openAiSampling,
    text: (text) => ({ messages: user(text) }),
    messages: (list) => ({ messages: list }),
    image: (data) => ({ messages: user([{ type: 'image_url', image_url: { url: dataUrl(data) } }]) }),
    images: (data, count) => ({
      messages: user(times(count, { type: 'image_url', image_url: { url: dataUrl(data) } })),
    }),
    imageAddress: (url) => ({ messages: user([{ type: 'image_url', image_url: { url } }]) }),
  },
  {
    ...nothing,
    path: '/v1/completions',
    dialect: 'openai',
    good: { model, prompt: 'Hello' },
    asks: true,
    streams: true,
    ...openAiSampling,
    text: (text) => ({ prompt: text }),
  },
  {
    ...nothing,
    path: '/v1/embeddings',
    dialect: 'openai',
    good: { model, input: 'Hello' },
    asks: true,
    streams: false,
    text: (text) => ({ input: text }),
  },
  {
    path: '/v1/responses',
    dialect: 'openai',
    good: { model, input: 'Hello' },
    asks: true,
    streams: true,
    limit: (value) => ({ max_output_tokens: value }),
    temperature: (value) => ({ temperature: value }),
    stop: null,
    schema: (schema) => ({ text: { format: { type: 'json_schema', name: 'x', schema } } }),
    text: (text) => ({ input: text }),
    messages: (list) => ({ input: list }),
    image: (data) => ({ input: user([{ type: 'input_image', image_url: dataUrl(data) }]) }),
    images: (data, count) => ({ input: user(times(count, { type: 'input_image', image_url: dataUrl(data) })) }),
    imageAddress: (url) => ({ input: user([{ type: 'input_image', image_url: url }]) }),
  },
  {
    path: '/v1/messages',
    dialect: 'anthropic',
    good: { model, max_tokens: 64, messages: user('Hello') },
    asks: true,
    streams: true,
    limit: (value) => ({ max_tokens: value }),
    temperature: (value) => ({ temperature: value }),
    stop: (value) => ({ stop_sequences: value }),
    ...anthropicTurns,
  },
  {
    ...nothing,
    path: '/v1/messages/count_tokens',
    dialect: 'anthropic',
    good: { model, messages: user('Hello') },
    asks: true,
    streams: false,
    ...anthropicTurns,
  },
  {
    path: '/api/chat',
    dialect: 'ollama',
    good: { model, messages: user('Hello') },
    asks: true,
    streams: true,
    ...ollamaSampling,
    text: (text) => ({ messages: user(text) }),
    messages: (list) => ({ messages: list }),
    image: (data) => ({ messages: [{ role: 'user', content: 'x', images: [data] }] }),
    images: (data, count) => ({ messages: [{ role: 'user', content: 'x', images: times(count, data) }] }),
    imageAddress: (url) => ({ messages: [{ role: 'user', content: 'x', images: [url] }] }),
  },
  {
    path: '/api/generate',
    dialect: 'ollama',
    good: { model, prompt: 'Hello' },
    asks: true,
    streams: true,
    ...ollamaSampling,
    text: (text) => ({ prompt: text }),
    messages: null,
    image: (data) => ({ images: [data] }),
    images: (data, count) => ({ images: times(count, data) }),
    imageAddress: (url) => ({ images: [url] }),
  },
  {
    ...nothing,
    path: '/api/embed',
    dialect: 'ollama',
    good: { model, input: 'Hello' },
    asks: true,
    streams: false,
    text: (text) => ({ input: text }),
  },
  {
    ...nothing,
    path: '/api/embeddings',
    dialect: 'ollama',
    good: { model, prompt: 'Hello' },
    asks: true,
    streams: false,
    text: (text) => ({ prompt: text }),
  },
  { ...nothing, path: '/api/show', dialect: 'ollama', good: { model }, asks: false, streams: false },
];

/** Routes that only tell something, each with the dialect in which it refuses. */
export const tellingRoutes = [
  { path: '/v1/models', dialect: 'openai' },
  { path: '/v1/models/fake-model', dialect: 'openai' },
  { path: '/api/tags', dialect: 'ollama' },
  { path: '/api/ps', dialect: 'ollama' },
  { path: '/api/version', dialect: 'ollama' },
  { path: '/metrics', dialect: 'openai' },
] as const;
