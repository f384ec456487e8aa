import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { readHops } from '../../../../electron/agent/gateway/dispatch/hops.ts';

function refusal(value: string, ...others: string[]): unknown {
  try {
    return readHops([...['X-Ranch-Hops', value], ...others.flatMap((each) => ['x-ranch-hops', each])], 'me');
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

describe('readHops', () => {
  it('reads the nodes that a request has passed, in order', () => {
    expect(readHops([], 'me')).toEqual([]);
    expect(refusal('a, b')).toEqual(['a', 'b']);
    expect(refusal('a', 'b,c')).toEqual(['a', 'b', 'c']);
  });

  it('F27 refuses a request that has been here, or has passed too many', () => {
    expect(refusal('a, me')).toBe('loop_detected');
    expect(refusal('a', 'me')).toBe('loop_detected');
    expect(refusal('a,b,c,d')).toEqual(['a', 'b', 'c', 'd']);
    expect(refusal('a,b,c,d,e')).toBe('loop_detected');
  });

  it.each(['', ',', 'a b', 'a,,b', 'x'.repeat(129), 'é'])('B77 refuses "%s", which is no list of ids', (value) => {
    expect(refusal(value)).toBe('invalid_request');
  });
});
