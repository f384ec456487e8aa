import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingText } from '../../../electron/cli/setting-text.ts';

describe('what is typed for a setting', () => {
  it.each(['models.default', 'control.panelDir', 'engines.ollama.modelsDir', 'engines.llamaServer.keyFile'])(
    '%s: a relative path counts from where it is typed',
    (key) => {
      expect(settingText(key, './x.gguf', '/here')).toBe(resolve('/here/x.gguf'));
      expect(settingText(key, '"a b.gguf"', '/here')).toBe(resolve('/here/a b.gguf'));
      expect(settingText(key, resolve('/there/x'), '/here')).toBe(resolve('/there/x'));
    },
  );

  it('leaves everything else to the agent', () => {
    expect(settingText('node.name', '42', '/here')).toBe('42');
    expect(settingText('gateway.port', '8081', '/here')).toBe('8081');
    expect(settingText('models.default', 'null', '/here')).toBe('null');
    expect(settingText('models.default', '', '/here')).toBe('');
  });
});
