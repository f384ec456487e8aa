import { describe, expect, it } from 'vitest';
import { ControlError, errorOfAnswer, toControlError } from '../../../electron/client/control-error.ts';

describe('errors of the control client', () => {
  it('carry the code of the agent', () => {
    const body = '{"error":{"code":"not_found","message":"There is no such engine."}}';
    expect(errorOfAnswer(404, body)).toMatchObject({
      code: 'not_found',
      message: 'There is no such engine.',
      status: 404,
    });
  });

  it('read a body in OpenAI’s shape, and none at all', () => {
    expect(errorOfAnswer(503, '{"error":{"code":null,"type":"x","message":"Busy."}}').message).toBe('Busy.');
    expect(errorOfAnswer(500, '<html>')).toMatchObject({ code: 'bad_answer', status: 500 });
    expect(errorOfAnswer(500, '{"error":"no"}').code).toBe('bad_answer');
  });

  it('say that no agent runs where nobody listens', () => {
    expect(toControlError(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toMatchObject({
      code: 'agent_not_running',
      status: null,
    });
    expect(toControlError(Object.assign(new Error('x'), { code: 'ECONNRESET' })).code).toBe('connection_lost');
    const own = new ControlError('agent_silent', 'x');
    expect(toControlError(own)).toBe(own);
    expect(toControlError('what').code).toBe('bad_answer');
  });
});
