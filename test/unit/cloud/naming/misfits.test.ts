import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { Misfits } from '../../../../electron/agent/cloud/naming/misfits.ts';
import type { KeyNames, NamingSettings } from '../../../../electron/agent/cloud/naming/nameable.ts';
import { readKnownPrices } from '../../../../electron/agent/cloud/prices/price-file.ts';
import { PriceTable } from '../../../../electron/agent/cloud/prices/price-table.ts';
import type { cloudSettingsSchema } from '../../../../electron/contract/cloud.ts';
import { cloudSettings } from '../cloud-settings.ts';

const known = await readKnownPrices('resources/prices.json', { logger: silentLogger });
const price = { inputUsd: 1, outputUsd: 2 };
const names = {
  ranger: { model: 'ranch/auto' },
  scout: 'boss',
  boss: 'ranger',
  fast: 'qwen',
  ring: 'rong',
  rong: 'ring',
};

type Cloud = z.input<typeof cloudSettingsSchema>;

/** A node with a provider of its own that is off, a server, a persona with two other names, and two keys. */
function rig(change: Cloud = {}) {
  const settings = (cloud: Cloud): NamingSettings => ({
    cloud: cloudSettings({
      providers: {
        house: { enabled: false, url: 'https://llm.example.com', models: [{ id: 'large' }, { id: 'small', price }] },
      },
      prices: { 'xai/grok-next': price },
      ...cloud,
    }),
    names,
    upstreams: [{ id: 'attic' }],
  });
  const clock = new ManualClock(Date.UTC(2026, 10, 23, 12));
  const held: { settings: NamingSettings; keys: KeyNames | null } = {
    settings: settings(change),
    keys: { valid: ['laptop', 'lap 2'], known: ['laptop', 'lap 2', 'Old one'] },
  };
  const prices = new PriceTable({ settings: () => held.settings.cloud, known }, { clock });
  const misfits = new Misfits(
    { settings: () => held.settings, inForce: { names, upstreams: [] } },
    { prices, keys: () => held.keys, clock },
  );
  return { held, misfits, clock, settings };
}

const aDay = (scope: string) => ({ scope, period: 'day', limit: 1 }) as const;

/** What is said of a budget of that scope when it is set; null where it is taken. */
function refusal(scope: string): string | null {
  const { misfits, settings } = rig();
  return saidBy(() => misfits.admit(settings({ budgets: [aDay('all'), aDay(scope)] }), settings({})));
}

function saidBy(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof AppError && error.code === 'settings_invalid') return error.message;
    throw error;
  }
}

function noticed(scope: string) {
  return rig({ budgets: [aDay(scope)] }).misfits.notices();
}

describe('budgets that fit something', () => {
  it.each([
    'all',
    'provider:anthropic',
    'provider:house',
    'provider:attic',
    'model:anthropic/claude-opus-5-5',
    'model:openrouter/anthropic/claude-haiku-4.5',
    'model:openai/tts-1',
    'model:house/large',
    'model:house/small',
    'model:xai/grok-next',
    'model:attic/whatever it has',
    'key:laptop',
    'key:Old one',
    'persona:ranger',
  ])('L6 %s is taken, and nothing is said of it', (scope) => {
    expect(refusal(scope)).toBeNull();
    expect(noticed(scope)).toEqual([]);
  });
});

describe('budgets that nothing can come under', () => {
  it.each([
    ['provider:Anthropic', 'there is no provider "Anthropic". Write "provider:anthropic".'],
    [
      'provider:antropic',
      'there is no provider "antropic". Write "provider:anthropic", or add that provider under "cloud.providers" first.',
    ],
    [
      'provider:mistral',
      'there is no provider "mistral". There are: anthropic, openai, gemini, xai, openrouter, house, attic. Another one is added under "cloud.providers" first.',
    ],
    [
      'provider:anthropic/claude-opus-5-5',
      'there is no provider "anthropic/claude-opus-5-5". Write "model:anthropic/claude-opus-5-5".',
    ],
    [
      'model:claude-opus-5-5',
      'a model is named with its provider, as PROVIDER/MODEL. Write "model:anthropic/claude-opus-5-5".',
    ],
    ['model:anthropic', 'a model is named with its provider, as PROVIDER/MODEL. Write "provider:anthropic".'],
    ['model:anthropic/', 'a model is named with its provider, as PROVIDER/MODEL. Write "provider:anthropic".'],
    ['model:llama', 'a model is named with its provider, as PROVIDER/MODEL. Write the provider too.'],
    ['model:Anthropic/claude-opus-5-5', 'there is no provider "Anthropic". Write "model:anthropic/claude-opus-5-5".'],
    [
      'model:antropic/claude-next',
      'there is no provider "antropic". Write "model:anthropic/claude-next", or add that provider under "cloud.providers" first.',
    ],
    ['key:Laptop', 'the key is named "laptop". Write "key:laptop".'],
    ['key: laptop', 'the key is named "laptop". Write "key:laptop".'],
    ['key:lap/top', 'no key can have that name. Write "key:laptop".'],
    ['key:a/b', 'no key can have that name. "ranch-hand keys" lists those that there are.'],
    ['persona:scout', 'it is another name for the persona "ranger". Write "persona:ranger".'],
    ['persona:fast', 'it is another name for a model, and no persona. Write the model instead.'],
    ['persona:ring', 'it is another name for a model, and no persona. Write the model instead.'],
  ])('L6 %s is refused, with what would fit', (scope, why) => {
    expect(refusal(scope)).toBe(`cloud.budgets cannot have "${scope}", for it would limit nothing: ${why}`);
    // What was set before is told instead.
    expect(noticed(scope).map(({ sentence }) => sentence)).toEqual([
      `The budget for "${scope}" under "cloud.budgets" limits nothing: ${why}`,
    ]);
  });

  it('leave a terminal nothing to obey', () => {
    expect(refusal('provider:\u001b[2Jx')).not.toContain('\u001b');
    expect(noticed('provider:\u001b[2Jx')[0]?.sentence).not.toContain('\u001b');
  });
});

describe('budgets that something may come under', () => {
  it.each([
    [
      'model:anthropic/claude-opus-5.5',
      'warning',
      'it has no price here and is not used. If "model:anthropic/claude-opus-5-5" is meant, write that; else set its price under "cloud.prices", or take this away.',
    ],
    [
      'model:anthropic/claude-opus-9',
      'info',
      'it has no price here and is not used. Set its price under "cloud.prices", or take this away.',
    ],
    [
      'key:laptop 3',
      'info',
      'there is no key of that name. It holds as soon as there is one. "ranch-hand keys" lists those that there are.',
    ],
    [
      'key:lap-top',
      'warning',
      'there is no key of that name. If "key:laptop" is meant, write that. It holds as soon as there is one. "ranch-hand keys" lists those that there are.',
    ],
    [
      'persona:Ranger',
      'warning',
      'there is no persona of that name. If "persona:ranger" is meant, write that. It holds as soon as there is one. Personas stand under "names" in the settings.',
    ],
    [
      'persona:clerk',
      'info',
      'there is no persona of that name. It holds as soon as there is one. Personas stand under "names" in the settings.',
    ],
  ])('L6 %s is taken, and told', (scope, severity, why) => {
    expect(refusal(scope)).toBeNull();
    expect(noticed(scope)).toMatchObject([
      { severity, sentence: `The budget for "${scope}" under "cloud.budgets" limits nothing: ${why}` },
    ]);
  });

  it('are told until it is there, since it was first seen', () => {
    const { misfits, held, clock } = rig({ budgets: [aDay('key:tablet'), { ...aDay('key:tablet'), period: 'month' }] });
    const since = '2026-11-23T12:00:00.000Z';
    expect(misfits.notices()).toMatchObject([{ since }]);
    clock.advance(60_000);
    held.settings = { ...held.settings };
    expect(misfits.notices()).toMatchObject([{ since }]);
    held.keys = { valid: ['tablet'], known: ['tablet'] };
    expect(misfits.notices()).toEqual([]);
  });

  it('are not told of while the keys cannot be read', () => {
    const { misfits, held } = rig({ budgets: [aDay('key:tablet')] });
    held.keys = null;
    expect(misfits.notices()).toEqual([]);
  });

  it('are told to whoever has just set them, and only what belongs to that setting', () => {
    const { misfits } = rig({ budgets: [aDay('key:tablet')], windows: [{ target: 'xai/grok-0' }] });
    expect(misfits.remark('cloud.budgets').sentence).toMatch(
      /^The budget for "key:tablet".*lists those that there are\.$/,
    );
    expect(misfits.remark('cloud.windows').sentence).toMatch(/^The time window for "xai\/grok-0"/);
    expect(misfits.remark('cloud.prices')).toEqual({});
    expect(rig().misfits.remark('cloud.budgets')).toEqual({});
  });
});

describe('time windows', () => {
  it.each([
    ['anthropic', null],
    ['house', null],
    ['anthropic/claude-opus-5-5', null],
    ['xai/grok-0', null],
    [
      'antropic',
      'there is no provider "antropic". Write "anthropic", or add that provider under "cloud.providers" first.',
    ],
    [
      'claude-opus-5-5',
      'there is no provider "claude-opus-5-5". Write "anthropic/claude-opus-5-5", or add that provider under "cloud.providers" first.',
    ],
    ['Anthropic/claude-opus-5-5', 'there is no provider "Anthropic". Write "anthropic/claude-opus-5-5".'],
    ['provider:anthropic', 'a window names a provider or PROVIDER/MODEL alone. Write "anthropic".'],
    [
      'model:anthropic/claude-opus-5-5',
      'a window names a provider or PROVIDER/MODEL alone. Write "anthropic/claude-opus-5-5".',
    ],
  ])('L6 for %s are taken or refused', (target, why) => {
    const { misfits, settings } = rig();
    const said = saidBy(() => misfits.admit(settings({ windows: [{ target }] }), settings({})));
    expect(said).toBe(why && `cloud.windows cannot have "${target}", for it would hold for nothing: ${why}`);
  });

  it('are told where they hold for nothing', () => {
    const { misfits } = rig({ windows: [{ target: 'antropic' }, { target: 'antropic', toMinute: 30 }] });
    expect(misfits.notices()).toMatchObject([
      {
        severity: 'warning',
        sentence: expect.stringMatching(/^The time window for "antropic" .*holds for nothing: /) as string,
      },
    ]);
  });
});

describe('what was set before', () => {
  it('is in the way of no other change, so that it can be mended bit by bit', () => {
    const { misfits, settings } = rig();
    const before = settings({
      budgets: [aDay('provider:Anthropic'), aDay('provider:gone'), aDay('all')],
      windows: [{ target: 'gone' }, { target: 'antropic' }],
    });
    const left = settings({
      budgets: [{ ...aDay('provider:gone'), limit: 5 }, aDay('all')],
      windows: [{ target: 'gone' }],
    });
    expect(saidBy(() => misfits.admit(left, before))).toBeNull();
    const worse = settings({ budgets: [aDay('provider:gone'), aDay('provider:other')] });
    expect(saidBy(() => misfits.admit(worse, before))).toContain('"provider:other"');
  });

  it('is told ten at a time', () => {
    const budgets = Array.from({ length: 256 }, (_, index) => aDay(`provider:nobody-${index}`));
    expect(rig({ budgets }).misfits.notices()).toHaveLength(10);
  });

  it('fits a provider, a server or a persona that only the next start will bring', () => {
    const { misfits, settings } = rig();
    const next = {
      ...settings({ budgets: [aDay('provider:cellar'), aDay('persona:poet')] }),
      upstreams: [{ id: 'cellar' }],
    };
    const named = { ...next, names: { poet: { model: 'ranch/auto' } } };
    expect(saidBy(() => misfits.admit(named, settings({})))).toBeNull();
  });
});
