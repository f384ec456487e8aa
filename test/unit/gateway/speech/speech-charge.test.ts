import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { SpeechCharge } from '../../../../electron/agent/gateway/speech/speech-charge.ts';
import { speechBill } from '../../../../electron/agent/gateway/speech/speech-bill.ts';
import type { Reservation } from '../../../../electron/agent/inference/spending.ts';
import type { Usage } from '../../../../electron/agent/inference/usage.ts';

const byCharacters = speechBill(
  { input: 'a'.repeat(20), characters: 20, instructions: null, speed: null },
  { charactersUsd: 15, sound: null },
);
const bySound = speechBill(
  { input: 'a'.repeat(100), characters: 100, instructions: null, speed: null },
  { charactersUsd: 12.6, sound: { textUsd: 0.6, soundUsd: 12 } },
);

function charge(log: string[], bill = byCharacters): SpeechCharge {
  const told = (what: string, { characters, promptTokens, completionTokens }: Usage): number => {
    log.push(`${what} ${characters ?? `${promptTokens} + ${completionTokens}`}`);
    return 0.5;
  };
  const reservation: Reservation = {
    settle: (usage) => told('settle', usage),
    estimate: (usage) => told('estimate', usage),
    forfeit: () => {
      log.push('forfeit');
      return 0.5;
    },
    release: () => void log.push('release'),
  };
  return new SpeechCharge(reservation, bill);
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
    spoken.taken();
    spoken.heard({ tokens: 900, told: null });
    spoken.failed(new AppError('upstream_failed', 'x'));
    expect(log).toEqual(['settle 20']);
    expect(spoken.costUsd).toBe(0.5);
  });

  it.each([
    [
      'what the provider told',
      { tokens: 900, told: { promptTokens: 7, completionTokens: 3, cachedTokens: null } },
      'settle 7 + 3',
    ],
    ['an estimate by the text', { tokens: 0, told: null }, 'estimate 100 + 100'],
    ['an estimate by the text, of a sound that broke off', { tokens: 40, told: null }, 'estimate 100 + 100'],
    ['an estimate by the sound, where that is longer', { tokens: 900, told: null }, 'estimate 100 + 900'],
  ])('books %s where sound is billed', (_, sound, booked) => {
    const log: string[] = [];
    const spoken = charge(log, bySound);
    spoken.taken();
    expect(log).toEqual([]);
    spoken.heard(sound);
    spoken.failed(new AppError('upstream_failed', 'x'));
    expect(log).toEqual([booked]);
  });

  it('books an estimate where sound is billed and the text was taken, but nothing heard', () => {
    const log: string[] = [];
    const spoken = charge(log, bySound);
    spoken.taken();
    spoken.failed(new AppError('upstream_failed', 'x'));
    expect(log).toEqual(['estimate 100 + 100']);
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
