import { describe, expect, it } from 'vitest';
import { judgeJsonType } from '../../../electron/agent/base/json-request.ts';

describe('judgeJsonType', () => {
  it.each(['application/json', 'Application/JSON', 'application/json; charset=utf-8', 'application/json ;x=y'])(
    'lets %s pass',
    (type) => {
      expect(judgeJsonType(['Content-Type', type, 'Origin', 'http://127.0.0.1:8080'])).toBeNull();
    },
  );

  it.each(['text/plain', 'application/jsonx', 'text/plain; application/json', ''])('B10 refuses %j', (type) => {
    expect(judgeJsonType(['content-type', type])?.code).toBe('unsupported_media_type');
  });

  it('B10 lets no type pass from a program, and not from a page', () => {
    expect(judgeJsonType(['Host', 'x'])).toBeNull();
    expect(judgeJsonType(['Origin', 'http://127.0.0.1:8080'])?.code).toBe('unsupported_media_type');
    expect(judgeJsonType(['Sec-Fetch-Site', 'same-origin'])?.code).toBe('unsupported_media_type');
  });

  it('B10 refuses two types, also when both are JSON', () => {
    const types = (first: string, second: string): string[] => ['Content-Type', first, 'content-type', second];
    expect(judgeJsonType(types('application/json', 'text/plain'))?.code).toBe('unsupported_media_type');
    expect(judgeJsonType(types('application/json', 'application/json'))?.code).toBe('unsupported_media_type');
  });
});
