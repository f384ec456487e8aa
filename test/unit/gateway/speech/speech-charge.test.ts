import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { SpeechCharge } from '../../../../electron/agent/gateway/speech/speech-charge.ts';
import type { Reservation } from '../../../../electron/agent/inference/spending.ts';

function charge(log: string[]): SpeechCharge {
  const reservation: Reservation = {
    settle: ({ characters = 0 }) => {
      log.push(`settle ${characters}`);
      return 0.5;
    },
    estimate: () => 0,
    forfeit: () => {
      log.push('forfeit');
      return 0.5;
    },
    release: () => void log.push('release'),
  };
  return new SpeechCharge(reservation, 20);
}

function afterError(context: Record<string, number | boolean>): string[] {
  const log: string[] = [];
  charge(log).failed(new AppError('engine_failed', 'x', { context }));
  return log;
}

describe('SpeechCharge', () => {
  it('books the whole text once the provider has taken it, and nothing after that', () => {
    const log: string[] = [];
    const spoken = charge(log);
    spoken.spoken();
    spoken.failed(new AppError('upstream_failed', 'x'));
    expect(log).toEqual(['settle 20']);
    expect(spoken.costUsd).toBe(0.5);
  });

  it.each([400, 401, 429, 500, 503, 529])('F30 gives everything back after status %d', (status) => {
    expect(afterError({ status })).toEqual(['release']);
  });

  it.each([502, 504, 520, 522, 524])(
    'F30 books all of it after status %d: whoever answered in the place of the provider does not know',
    (status) => {
      expect(afterError({ status })).toEqual(['forfeit']);
    },
  );

  it('F30 gives everything back without a connection, and nothing where it broke', () => {
    expect(afterError({ connected: false })).toEqual(['release']);
    expect(afterError({ connected: true })).toEqual(['forfeit']);
  });
});
