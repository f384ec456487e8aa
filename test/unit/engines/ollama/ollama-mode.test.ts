import { expect, it } from 'vitest';
import { keepAliveOf } from '../../../../electron/agent/engines/ollama/ollama-mode.ts';

it('hands a model back with the time that its operator has set, in the form of the API', () => {
  const kept = (settings: Readonly<Record<string, string>> | null): string | number =>
    keepAliveOf({ keeper: { pid: null, keeper: 'systemd', settings } });
  expect(keepAliveOf({ keeper: null })).toBe('5m');
  expect(kept(null)).toBe('5m');
  expect(kept({})).toBe('5m');
  expect(kept({ OLLAMA_KEEP_ALIVE: '' })).toBe('5m');
  expect(kept({ OLLAMA_KEEP_ALIVE: '24h' })).toBe('24h');
  expect(kept({ OLLAMA_KEEP_ALIVE: '-1' })).toBe(-1);
  expect(kept({ OLLAMA_KEEP_ALIVE: '300' })).toBe(300);
});
