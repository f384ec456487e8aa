import { describe, expect, it } from 'vitest';
import { AppError, type ErrorCode } from '../../../../../electron/agent/base/errors.ts';
import { anthropic } from '../../../../../electron/agent/gateway/dialects/anthropic/anthropic-dialect.ts';
import { EventStreamParser } from '../../../../../electron/agent/gateway/dialects/event-stream.ts';
import { messagesSurface } from './requests.ts';

/** The events in a text: name and data. */
function eventsIn(text: string): [string, string][] {
  const events: [string, string][] = [];
  const parser = new EventStreamParser({
    event: (data, name) => events.push([name, data]),
    broken: (error) => expect.fail(error.message),
  });
  const bytes = Buffer.from(text);
  parser.push(bytes, 0, bytes.length);
  parser.end();
  return events;
}

describe('errors of the Anthropic dialect', () => {
  it.each([
    ['invalid_request', 'invalid_request_error'],
    ['unsupported_capability', 'invalid_request_error'],
    ['context_length_exceeded', 'invalid_request_error'],
    ['unauthorized', 'authentication_error'],
    ['forbidden', 'permission_error'],
    ['model_not_found', 'not_found_error'],
    ['payload_too_large', 'request_too_large'],
    ['key_limit', 'rate_limit_error'],
    ['too_busy', 'overloaded_error'],
    ['engine_not_ready', 'overloaded_error'],
    ['upstream_silent', 'timeout_error'],
    ['upstream_failed', 'api_error'],
    ['internal', 'api_error'],
    ['loop_detected', 'api_error'],
  ] satisfies [ErrorCode, string][])('%s is a %s', (code, type) => {
    const context = { param: 'messages[0].role', trace: 'abc' };
    const body = anthropic.errorBody(new AppError(code, 'A sentence.', { context }));
    expect(body).toMatchObject({
      type: 'error',
      error: { type, details: { error_code: code, param: 'messages[0].role' } },
      request_id: 'abc',
    });
  });

  it('keep their usual status', () => {
    expect(anthropic.errorStatus(new AppError('too_busy', 'x'))).toBeNull();
  });

  it('B49 a prompt beyond the context is told in the words by which callers shorten their chat', () => {
    const error = new AppError('context_length_exceeded', 'Too long.', {
      context: { promptTokens: 5000, contextLength: 4096 },
    });
    expect(anthropic.errorBody(error)).toMatchObject({
      error: { message: 'prompt is too long: 5000 tokens > 4096 maximum. Too long.' },
    });
    for (const context of [{}, { promptTokens: 4000, contextLength: 4096 }]) {
      expect(anthropic.errorBody(new AppError('context_length_exceeded', 'Too long.', { context }))).toMatchObject({
        error: { message: 'prompt is too long: Too long.' },
      });
    }
  });

  it('B52 stay one event, whatever they say', () => {
    const text = messagesSurface().errorEvent(new AppError('upstream_failed', 'It broke.\n\nevent: message_stop'));
    expect(eventsIn(text).map(([name]) => name)).toEqual(['ping', 'error']);
  });

  it.each(['', 'event: content_bl', 'event: content_block_delta\ndata: {"type":"cont', 'event: x\n', 'da'])(
    'B53 end a stream that broke after %j as an error, and half an event as a ping',
    (before) => {
      const text = before + messagesSurface().errorEvent(new AppError('upstream_failed', 'It broke.'));
      const events = eventsIn(text);
      expect(events.map(([name]) => name)).toEqual(['ping', 'error']);
      expect(JSON.parse(events[1]?.[1] ?? '')).toMatchObject({ type: 'error', error: { message: 'It broke.' } });
    },
  );

  it('lets an event stand that lacks nothing but its blank line', () => {
    const text = `event: x\ndata: {}\n${messagesSurface().errorEvent(new AppError('upstream_failed', 'It broke.'))}`;
    expect(eventsIn(text).map(([name]) => name)).toEqual(['x', 'ping', 'error']);
  });

  it('let callers wait with pings that say why in a comment', () => {
    const text = messagesSurface().waitingEvent('waiting for a place');
    expect(text).toMatch(/^: waiting for a place\n/);
    expect(eventsIn(text)).toEqual([['ping', '{"type": "ping"}']]);
  });
});
