import { expect, it } from 'vitest';
import { adviceFor, settingLines, type AdviceFacts } from '../../../../electron/agent/engines/ollama/advice.ts';

const well: AdviceFacts = {
  keeper: 'systemd',
  platform: 'linux',
  version: '0.17.4',
  loaded: [{ name: 'm', contextLength: 32_768, trained: 131_072 }],
  settings: { OLLAMA_NUM_PARALLEL: '2', OLLAMA_KEEP_ALIVE: '5m' },
};

it('has nothing to say of one that is well', () => {
  expect(adviceFor(well)).toEqual([]);
  expect(adviceFor({ ...well, settings: null, version: null, loaded: [] })).toEqual([]);
});

it('shows a window that is too small for agents, as lines for its service', () => {
  const [advice, ...others] = adviceFor({ ...well, loaded: [{ name: 'm', contextLength: 4_096, trained: 16_384 }] });
  expect(others).toEqual([]);
  expect(advice?.sentence).toBe(
    'Ollama cuts prompts for m to 4096 tokens, though it was trained for 16384. Agents need more: give it a larger window.',
  );
  expect(advice?.lines).toEqual([
    'sudo systemctl edit ollama',
    '# between the two comments of the file that opens:',
    '[Service]',
    'Environment="OLLAMA_CONTEXT_LENGTH=16384"',
    '# then:',
    'sudo systemctl restart ollama',
  ]);
  expect(adviceFor({ ...well, loaded: [{ name: 'm', contextLength: 2_048, trained: 2_048 }] })).toEqual([]);
});

it('F36 names a version that is too old, with the way to a newer one', () => {
  expect(adviceFor({ ...well, version: '0.16.0' })[0]).toMatchObject({
    sentence: expect.stringContaining('Ollama 0.16.0') as string,
    lines: ['curl -fsSL https://ollama.com/install.sh | sh'],
  });
  expect(adviceFor({ ...well, keeper: 'windows-app', platform: 'win32', version: '0.16.0' })[0]?.lines).toEqual([
    'winget upgrade Ollama.Ollama',
  ]);
  expect(adviceFor({ ...well, version: '0.0.0' })[0]?.sentence).toMatch(/tells no version/);
});

it('minds models that are unloaded after each answer, and contexts that fill the memory', () => {
  const settings = { OLLAMA_KEEP_ALIVE: '0', OLLAMA_NUM_PARALLEL: '16' };
  expect(adviceFor({ ...well, settings }).map(({ sentence }) => sentence)).toEqual([
    'Ollama unloads each model right after its answer, so that every request waits for it to load.',
    'Ollama keeps 16 contexts for each model, which takes 16 times the memory of one.',
  ]);
});

it('knows how each system gives Ollama a setting', () => {
  expect(settingLines('windows-app', 'win32', 'A', '1')[0]).toBe('setx A 1');
  expect(settingLines('someone-else', 'darwin', 'A', '1')[0]).toBe('launchctl setenv A 1');
  expect(settingLines('someone-else', 'linux', 'A', '1')[0]).toBe('export A=1');
});
