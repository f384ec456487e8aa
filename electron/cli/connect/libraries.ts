import { connection, shellWord, type Api, type Connection, type Target } from './connection.ts';

const question = { role: 'user', content: 'Say hello in one word.' } as const;

/** The libraries of OpenAI, and every program that reads their variables. */
export function openai(target: Target): Connection {
  const { api, url, key, model } = target;
  const ask =
    api === 'responses'
      ? { path: '/v1/responses', body: { model, input: question.content } }
      : { path: '/v1/chat/completions', body: { model, messages: [question] } };
  const call =
    api === 'responses'
      ? `client.responses.create(model=${python(model)}, input=${python(question.content)}).output_text`
      : `client.chat.completions.create(model=${python(model)}, messages=[{"role": "user", "content": ${python(question.content)}}]).choices[0].message.content`;
  return connection({
    env: { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: key },
    tryOut: curl(`${url}${ask.path}`, { authorization: `Bearer ${key}` }, ask.body),
    code: [
      'from openai import OpenAI',
      `client = OpenAI(base_url=${python(`${url}/v1`)}, api_key=${python(key)})`,
      `print(${call})`,
    ],
  });
}

/** The libraries of Anthropic, and every program that reads their variables. */
export function anthropic({ url, key, model }: Target): Connection {
  return connection({
    env: { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key },
    tryOut: curl(
      `${url}/v1/messages`,
      { 'x-api-key': key, 'anthropic-version': '2023-06-01' },
      { model, max_tokens: 64, messages: [question] },
    ),
    code: [
      'from anthropic import Anthropic',
      `client = Anthropic(base_url=${python(url)}, api_key=${python(key)})`,
      `message = client.messages.create(model=${python(model)}, max_tokens=64, messages=[{"role": "user", "content": ${python(question.content)}}])`,
      'print(message.content[0].text)',
    ],
  });
}

/** The libraries and the command line of Ollama. */
export function ollama({ url, key, model }: Target): Connection {
  return connection({
    env: { OLLAMA_HOST: url, OLLAMA_API_KEY: key },
    tryOut: curl(`${url}/api/chat`, { authorization: `Bearer ${key}` }, { model, stream: false, messages: [question] }),
    code: [
      'from ollama import Client',
      `client = Client(host=${python(url)}, headers={"Authorization": ${python(`Bearer ${key}`)}})`,
      `print(client.chat(model=${python(model)}, messages=[{"role": "user", "content": ${python(question.content)}}]).message.content)`,
    ],
  });
}

/** litellm, as a library and as a proxy (its `config.yaml` has no usual place, so nothing is written). */
export function litellm({ api, url, key, model }: Target): Connection {
  const name = `${litellmPrefixes[api]}/${model}`;
  const base = api === 'openai' || api === 'responses' ? `${url}/v1` : url;
  return connection({
    tryOut: `python3 -c ${shellWord(
      `import litellm; print(litellm.completion(model=${python(name)}, api_base=${python(base)}, api_key=${python(key)}, messages=[{"role": "user", "content": ${python(question.content)}}]).choices[0].message.content)`,
    )}`,
    code: [
      '# config.yaml of the proxy',
      'model_list:',
      `  - model_name: ${JSON.stringify(model)}`,
      '    litellm_params:',
      `      model: ${JSON.stringify(name)}`,
      `      api_base: ${JSON.stringify(base)}`,
      `      api_key: ${JSON.stringify(key)}`,
    ],
  });
}

const litellmPrefixes: Readonly<Record<Api, string>> = {
  openai: 'openai',
  responses: 'openai/responses',
  anthropic: 'anthropic',
  ollama: 'ollama_chat',
};

/** A JSON string is one of Python's too. */
function python(text: string): string {
  return JSON.stringify(text);
}

function curl(url: string, headers: Readonly<Record<string, string>>, body: object): string {
  const named = Object.entries({ 'content-type': 'application/json', ...headers });
  return [
    'curl -sS',
    shellWord(url),
    ...named.map(([name, value]) => `-H ${shellWord(`${name}: ${value}`)}`),
    `-d ${shellWord(JSON.stringify(body))}`,
  ].join(' ');
}
