import { describe, expect, it } from 'vitest';
import { AppError } from '../../../electron/agent/base/errors.ts';
import { routeOf } from '../../../electron/agent/gateway/routes.ts';

describe('routeOf', () => {
  it.each([
    ['POST', '/v1/chat/completions', { kind: 'generate', operation: 'chat' }],
    ['POST', '/v1/completions?x=1', { kind: 'generate', operation: 'completion' }],
    ['POST', '/v1/embeddings', { kind: 'generate', operation: 'embedding' }],
    ['GET', '/v1/models', { kind: 'models' }],
    ['HEAD', '/v1/models/a%2Fb', { kind: 'model', id: 'a/b' }],
  ])('%s %s is a route of the OpenAI dialect', (method, target, route) => {
    expect(routeOf(method, target)).toMatchObject({ ...route, dialect: { name: 'openai' } });
  });

  it('knows a route that speaks no dialect', () => {
    expect(routeOf('GET', '/health')).toEqual({ kind: 'health' });
  });

  it.each([
    ['GET', '/v1/chat/completions', 'method_not_allowed', 'POST'],
    ['POST', '/v1/models', 'method_not_allowed', 'GET, HEAD'],
    ['GET', '/v1/models/', 'not_found', undefined],
    ['GET', '/v1/models/%zz', 'invalid_request', undefined],
    ['POST', '/v1/chat/completions/', 'not_found', undefined],
  ])('%s %s is refused as %s', (method, target, code, allow) => {
    const refusal = ((): unknown => {
      try {
        return routeOf(method, target);
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toBeInstanceOf(AppError);
    expect(refusal).toMatchObject({ code, context: allow === undefined ? {} : { allow } });
  });
});
