import { describe, expect, it } from 'vitest';
import { AppError } from '../../../electron/agent/base/errors.ts';
import { dialectOf, routeOf } from '../../../electron/agent/gateway/routes.ts';

const anthropicHeaders = ['Anthropic-Version', '2023-06-01'];

describe('routeOf', () => {
  it.each([
    ['/v1/chat/completions', 'openai', 'chat-completions'],
    ['/v1/completions?x=1', 'openai', 'completions'],
    ['/v1/embeddings', 'openai', 'embeddings'],
    ['/v1/responses', 'openai', 'responses'],
    ['/v1/messages?beta=true', 'anthropic', 'messages'],
    ['/api/chat', 'ollama', 'ollama-chat'],
    ['/api/generate', 'ollama', 'ollama-generate'],
    ['/api/embed', 'ollama', 'ollama-embed'],
    ['/api/embeddings', 'ollama', 'ollama-embeddings'],
  ])('POST %s is a way of asking in the dialect %s', (target, dialect, surface) => {
    expect(routeOf('POST', target, [])).toMatchObject({
      kind: 'generate',
      dialect: { name: dialect },
      surface: { name: surface },
    });
  });

  it.each([
    ['GET', '/v1/models', 'openai', null],
    ['HEAD', '/v1/models/a%2Fb', 'openai', 'a/b'],
    ['GET', '/', 'ollama', null],
    ['HEAD', '/', 'ollama', null],
    ['GET', '/api/tags', 'ollama', null],
    ['GET', '/api/ps', 'ollama', null],
    ['GET', '/api/version', 'ollama', null],
    ['POST', '/api/show', 'ollama', null],
  ])('%s %s tells something in the dialect %s', (method, target, dialect, id) => {
    expect(routeOf(method, target, [])).toMatchObject({ kind: 'info', dialect: { name: dialect }, id });
  });

  it('lists models as Anthropic does for who sends anthropic-version', () => {
    for (const target of ['/v1/models', '/v1/models/some-model']) {
      expect(routeOf('GET', target, anthropicHeaders)).toMatchObject({ kind: 'info', dialect: { name: 'anthropic' } });
      expect(routeOf('GET', target, [])).toMatchObject({ kind: 'info', dialect: { name: 'openai' } });
    }
  });

  it('counts the tokens of a chat', () => {
    expect(routeOf('POST', '/v1/messages/count_tokens?beta=true', [])).toMatchObject({ kind: 'count' });
  });

  it('knows the routes that speak no dialect', () => {
    expect(routeOf('GET', '/health', [])).toEqual({ kind: 'health' });
    expect(routeOf('GET', '/metrics', [])).toEqual({ kind: 'metrics' });
    expect(routeOf('HEAD', '/api/hello', [])).toEqual({ kind: 'hello' });
  });

  it.each([
    ['GET', '/v1/chat/completions', 'method_not_allowed', 'POST'],
    ['GET', '/v1/messages', 'method_not_allowed', 'POST'],
    ['POST', '/v1/models', 'method_not_allowed', 'GET, HEAD'],
    ['DELETE', '/api/tags', 'method_not_allowed', 'GET, HEAD'],
    ['GET', '/v1/models/', 'not_found', undefined],
    ['GET', '/v1/models/%zz', 'invalid_request', undefined],
    ['POST', '/v1/chat/completions/', 'not_found', undefined],
  ])('%s %s is refused as %s', (method, target, code, allow) => {
    expect(refusalOf(method, target)).toMatchObject({ code, context: allow === undefined ? {} : { allow } });
  });

  it.each([
    '/api/create',
    '/api/push',
    '/api/pull',
    '/api/copy',
    '/api/delete',
    '/api/blobs/sha256:0000',
    '/slots',
    '/slots/0?action=erase',
    '/props',
    '/lora-adapters',
    '/v1/files',
    '/v1/messages/batches',
    '/constructor',
    '/__proto__',
  ])('B36 %s, by which callers would manage an engine, is not there', (target) => {
    for (const method of ['GET', 'POST', 'DELETE', 'PUT']) {
      expect(refusalOf(method, target)).toMatchObject({ code: 'not_found' });
    }
  });
});

describe('dialectOf', () => {
  it.each([
    ['/api/create', [], 'ollama'],
    ['/', [], 'ollama'],
    ['/v1/messages/batches', [], 'anthropic'],
    ['/v1/files', anthropicHeaders, 'anthropic'],
    ['/v1/files', [], 'openai'],
    ['/v1/chat/completions', anthropicHeaders, 'openai'],
    ['/slots', [], 'openai'],
    ['http://127.0.0.1:8080/api/chat', [], 'ollama'],
    ['HTTP://localhost/v1/messages?beta=true', [], 'anthropic'],
    ['localhost:443', [], 'openai'],
  ])('B36 who asks for %s is answered in the dialect that it suggests', (target, headers, dialect) => {
    expect(dialectOf(target, headers).name).toBe(dialect);
  });
});

function refusalOf(method: string, target: string): unknown {
  try {
    return routeOf(method, target, []);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return error;
  }
}
