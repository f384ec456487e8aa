import { expect, it } from 'vitest';
import {
  automaticContext,
  ownEnvironment,
  proxiesOf,
  sameSettings,
  settingsFor,
  usualModelsDir,
  type OwnEnvironmentOptions,
} from '../../../../electron/agent/engines/ollama/own-environment.ts';

const options: OwnEnvironmentOptions = {
  port: 4_321,
  settings: { contextLength: 8_192, parallel: 2, kvType: 'f16' },
  modelsDir: '/models',
  home: '/data/home',
  nonce: 'n',
  bare: { LANG: 'C' },
  proxies: {},
  platform: 'linux',
};

it('says all that a started Ollama needs, and nothing more', () => {
  expect(ownEnvironment(options)).toEqual({
    LANG: 'C',
    HOME: '/data/home',
    OLLAMA_HOST: '127.0.0.1:4321',
    OLLAMA_MODELS: '/models',
    OLLAMA_NO_CLOUD: '1',
    OLLAMA_NOPRUNE: '1',
    OLLAMA_NUM_PARALLEL: '2',
    OLLAMA_CONTEXT_LENGTH: '8192',
    OLLAMA_KEEP_ALIVE: '-1',
    OLLAMA_MAX_QUEUE: '512',
    OLLAMA_LOAD_TIMEOUT: '30m',
    GIN_MODE: 'release',
    RANCH_HAND_NONCE: 'n',
  });
});

it('turns flash attention on with keys and values in fewer bits', () => {
  const settings = { ...options.settings, kvType: 'q8_0' as const };
  expect(ownEnvironment({ ...options, settings })).toMatchObject({
    OLLAMA_KV_CACHE_TYPE: 'q8_0',
    OLLAMA_FLASH_ATTENTION: '1',
  });
});

it('gives Windows the home it looks for', () => {
  const environment = ownEnvironment({ ...options, platform: 'win32' });
  expect(environment).toMatchObject({ USERPROFILE: '/data/home', LOCALAPPDATA: '/data/home' });
  expect(environment).not.toHaveProperty('HOME');
});

it('honours proxies, but none that carry a password', () => {
  const env = {
    HTTPS_PROXY: 'http://proxy:3128',
    https_proxy: 'http://me:secret@proxy',
    NO_PROXY: 'localhost',
    OPENAI_API_KEY: 'k',
  };
  expect(proxiesOf(env)).toEqual({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'localhost' });
});

it('finds the usual library, and a context that leaves memory for the weights', () => {
  expect(usualModelsDir({ HOME: '/home/me' })).toBe('/home/me/.ollama/models');
  expect(usualModelsDir({ HOME: '/home/me', OLLAMA_MODELS: '/big' })).toBe('/big');
  expect(usualModelsDir({})).toBeNull();
  expect([8, 16, 64].map((gib) => automaticContext(gib * 2 ** 30))).toEqual([8_192, 16_384, 32_768]);
});

it('takes from a load what the settings leave open, and no context longer than the longest automatic one', () => {
  const { settings } = options;
  const open = { contextLength: 'auto', parallel: 'auto', kvType: null } as const;
  expect(settingsFor(open, settings, true)).toEqual(settings);
  const wanted = { contextLength: 100_000, parallel: 4, kvType: 'q8_0' } as const;
  expect(settingsFor(wanted, settings, true)).toEqual({ contextLength: 32_768, parallel: 4, kvType: 'q8_0' });
  expect(settingsFor(wanted, settings, false).contextLength).toBe(settings.contextLength);
});

it('tells settings apart by each of their parts', () => {
  const { settings } = options;
  expect(sameSettings(settings, { ...settings })).toBe(true);
  expect(sameSettings(settings, { ...settings, contextLength: 1 })).toBe(false);
  expect(sameSettings(settings, { ...settings, parallel: 1 })).toBe(false);
  expect(sameSettings(settings, { ...settings, kvType: 'q4_0' })).toBe(false);
});
