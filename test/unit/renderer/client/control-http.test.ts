import { describe, expect, it } from 'vitest';
import { parseChatChunk } from '../../../../renderer/client/chat-chunk.ts';
import { ControlError, createControlHttp, describeError } from '../../../../renderer/client/control-http.ts';
import { OpenAnswer } from '../fake-answers.ts';
import { settled } from '../manual-timers.ts';

const refusal = (status: number, body: string): Promise<Response> => Promise.resolve(new Response(body, { status }));

describe('createControlHttp', () => {
  it('sends a command as JSON to its own address', async () => {
    const sent: { path: string; init: RequestInit }[] = [];
    const http = createControlHttp((path, init) => {
      sent.push({ path, init });
      return Promise.resolve(new Response('{"ok":true}'));
    });
    await http.command('engines.restart', { id: 'embedded' });
    expect(sent[0]?.path).toBe('/control/v1/commands/engines.restart');
    expect(sent[0]?.init).toMatchObject({ method: 'POST', body: '{"id":"embedded"}', credentials: 'same-origin' });
    expect(new Headers(sent[0]?.init.headers).get('content-type')).toBe('application/json');
  });

  it('a command’s name cannot leave its folder', async () => {
    const paths: string[] = [];
    const http = createControlHttp((path) => {
      paths.push(path);
      return Promise.resolve(new Response('{"ok":true}'));
    });
    await http.command('../chat?x', {});
    expect(paths).toEqual(['/control/v1/commands/..%2Fchat%3Fx']);
  });

  it.each([
    [409, '{"error":{"code":"conflict","message":"Stop it first."}}', 'Stop it first.', 'conflict'],
    [502, '<html>', 'The agent answered with status 502 and gave no reason.', null],
    [401, '{"error":{"code":"unauthorized","message":"x"}}', /ranch-hand panel/u, 'unauthorized'],
  ])('a refusal with status %s says why', async (status, body, message, code) => {
    const http = createControlHttp(() => refusal(status, body));
    const error: unknown = await http.command('engines.stop', { id: 'x' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ControlError);
    expect(error).toMatchObject({ status, code });
    expect((error as ControlError).message).toMatch(message);
  });

  it('an agent that cannot be reached is said in words', async () => {
    const http = createControlHttp(() => Promise.reject(new TypeError('Failed to fetch')));
    await expect(http.command('engines.stop', { id: 'x' })).rejects.toThrow(/does not answer/u);
  });

  it('an abort stays an abort', async () => {
    const http = createControlHttp(() => Promise.reject(new DOMException('stopped', 'AbortError')));
    await expect(http.chat({}, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('follows a log line by line and passes over what is not one', async () => {
    const answer = new OpenAnswer();
    const paths: string[] = [];
    const http = createControlHttp((path) => {
      paths.push(path);
      return Promise.resolve(answer.response);
    });
    const texts: string[] = [];
    const done = http.followLog(
      'a&b',
      (lines) => texts.push(...lines.map(({ text }) => text)),
      new AbortController().signal,
    );
    await settled();
    answer.write('{"at":"x","stream":"stdout","te');
    await settled();
    expect(texts).toEqual([]);
    answer.write('xt":"one"}\n\nnot json\n{"at":1}\n{"at":"x","stream":"stderr","text":"two"}\n');
    answer.end();
    await done;
    expect(texts).toEqual(['one', 'two']);
    expect(paths).toEqual(['/control/v1/queries/logs?engine=a%26b&follow=true']);
  });
});

describe('describeError', () => {
  it('reads the shapes of the control API, of OpenAI and of Ollama', () => {
    expect(describeError('{"error":{"code":"too_busy","message":"Wait."}}')).toEqual({
      message: 'Wait.',
      code: 'too_busy',
    });
    expect(describeError('{"error":{"message":"Wait.","type":"x","code":null}}')).toEqual({
      message: 'Wait.',
      code: null,
    });
    expect(describeError('{"error":"Wait."}')).toEqual({ message: 'Wait.', code: null });
  });

  it.each(['', 'null', '[]', '{}', '{"error":null}', '{"error":{}}', '{"error":{"message":7}}'])(
    '%j is none',
    (text) => {
      expect(describeError(text)).toBeNull();
    },
  );
});

describe('parseChatChunk', () => {
  it('reads text, thinking, the end and the usage', () => {
    expect(parseChatChunk('{"choices":[{"delta":{"content":"Hi"},"finish_reason":null}]}')).toMatchObject({
      text: 'Hi',
    });
    expect(parseChatChunk('{"choices":[{"delta":{"reasoning_content":"Hm"}}]}')).toMatchObject({
      thinking: 'Hm',
      text: '',
    });
    expect(parseChatChunk('{"choices":[{"delta":{},"finish_reason":"stop"}]}')).toMatchObject({ finish: 'stop' });
    expect(parseChatChunk('{"choices":[],"usage":{"completion_tokens":7}}')).toMatchObject({ completionTokens: 7 });
    expect(parseChatChunk('[DONE]')).toEqual({ kind: 'end' });
  });

  it('tells an error from what cannot be read', () => {
    expect(parseChatChunk('{"error":{"message":"The engine ended."}}')).toEqual({
      kind: 'error',
      message: 'The engine ended.',
    });
    expect(parseChatChunk('{"choices":7}')).toEqual({ kind: 'unreadable' });
    expect(parseChatChunk('nonsense')).toEqual({ kind: 'unreadable' });
  });
});
