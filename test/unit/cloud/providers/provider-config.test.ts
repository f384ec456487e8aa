import { describe, expect, it } from 'vitest';
import { cloudSettingsSchema } from '../../../../electron/contract/cloud.ts';
import { providerConfigs } from '../../../../electron/agent/cloud/providers/provider-config.ts';
import { testOutcome } from '../../../../electron/agent/cloud/providers/test-outcome.ts';

const settings = (providers: object) => cloudSettingsSchema.parse({ providers });
const configOf = (id: string, own: object) => {
  const found = providerConfigs(settings({ [id]: own })).find((config) => config.id === id);
  if (!found) throw new Error('it is not there');
  return found;
};

describe('providers by the settings', () => {
  it('are the known ones first, each at its own address', () => {
    const configs = providerConfigs(settings({}));
    expect(configs.map(({ id, name }) => [id, name])).toEqual([
      ['anthropic', 'Anthropic'],
      ['openai', 'OpenAI'],
      ['gemini', 'Gemini'],
      ['xai', 'xAI'],
      ['openrouter', 'OpenRouter'],
    ]);
    expect(configs.every(({ address }) => address?.secure === true && address.port === 443)).toBe(true);
    expect(configs[2]?.address).toMatchObject({
      host: 'generativelanguage.googleapis.com',
      basePath: '/v1beta/openai',
    });
    expect(configs[4]?.address).toMatchObject({ host: 'openrouter.ai', basePath: '/api' });
  });

  it('may have an address with a path, and Gemini’s own path is not left out nor taken twice', () => {
    expect(configOf('mine', { url: 'https://example.com/a/v1/' }).address).toMatchObject({ basePath: '/a' });
    expect(configOf('gemini', { url: 'http://127.0.0.1:81' }).address).toMatchObject({ basePath: '/v1beta/openai' });
    expect(configOf('gemini', { url: 'https://p.example/v1beta/openai/' }).address).toMatchObject({
      basePath: '/v1beta/openai',
    });
  });

  it('without an address say so', () => {
    expect(configOf('mine', {})).toMatchObject({ address: null, isNamed: true });
    expect(configOf('mine', {}).problem).toContain('no address');
  });

  const bad = [
    'http://api.example.com',
    'http://192.168.1.5:8000',
    'https://user:pass@api.example.com',
    'http://user:pass@127.0.0.1',
    'file:///etc/passwd',
    'ftp://127.0.0.1',
    'https://api.example.com?key=x',
    'http://127.0.0.1.example.com',
    'http://localhost@example.com',
    'not an address',
  ];
  it.each(bad)('B64 the settings refuse %s', (url) => {
    expect(cloudSettingsSchema.safeParse({ providers: { mine: { url } } }).success).toBe(false);
  });

  it.each(bad.filter((url) => !url.includes('?')))('B64 no key is sent to %s should it slip through', (url) => {
    const own = { ...settings({ mine: {} }).providers['mine'], url };
    const configs = providerConfigs({ providers: { mine: own as never } });
    const config = configs.find(({ id }) => id === 'mine');
    expect(config?.address).toBeNull();
    expect(config?.problem).toMatch(/^mine has .*\.$/s);
    expect(config?.problem).not.toContain('pass@');
  });

  it('B64 a password in an address: what is said to do instead can be done as it stands', () => {
    const own = { ...settings({ mine: {} }).providers['mine'], url: 'https://user:pass@api.example.com' };
    const config = providerConfigs({ providers: { mine: own as never } }).find(({ id }) => id === 'mine');
    expect(config?.problem).toContain('"ranch-hand secrets set mine"');
  });
});

describe('the outcome of a test', () => {
  const fine = { kind: 'answered', fullForMs: null } as const;
  const model = {
    id: 'big',
    contextLength: 1,
    capabilities: ['chat'],
    sizeBytes: 0,
    loaded: true,
    createdAtS: 0,
  } as const;
  const models = [model, { ...model, id: 'small' }];
  const outcome = (text: string, status = 200) => testOutcome({ status, text, event: fine }, 'Anthropic', models);
  const list = (...ids: string[]): string => JSON.stringify({ data: ids.map((id) => ({ id })) });

  it('counts what may be used of what is there, by versions with a date too', () => {
    expect(outcome(list('big-20260101', 'other', 'small-big'))).toBe('Anthropic answers; 1 of its models may be used.');
    expect(outcome(list('models/big', 'small'))).toBe('Anthropic answers; 2 of its models may be used.');
    expect(outcome(list())).toBe('Anthropic answers; 2 of its models may be used.');
    expect(outcome(list('other'))).toContain('none of the models');
  });

  it.each([
    ['<html>', 200, 'no list of models'],
    ['{"data":{}}', 200, 'no list of models'],
    ['', 404, 'no list of models at its address'],
    ['', 500, 'status 500'],
  ])('%s with status %i is an error that says what is wrong', (text, status, words) => {
    expect(outcome(text, status)).toMatchObject({
      code: 'upstream_failed',
      message: expect.stringContaining(words) as string,
    });
  });
});
