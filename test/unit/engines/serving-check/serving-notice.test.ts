import { describe, expect, it } from 'vitest';
import type { CheckedModel } from '../../../../electron/agent/engines/serving-check/evidence.ts';
import { noticeOf } from '../../../../electron/agent/engines/serving-check/serving-notice.ts';
import { settingPaths } from '../../../../electron/agent/config/setting-paths.ts';

const since = '2026-01-01T00:00:00.000Z';
const finding = { kind: 'window', sentence: 'It silently cuts prompts.' } as const;
const model: CheckedModel = {
  engineId: 'llama-server',
  engineKind: 'llama-server',
  owned: true,
  modelId: 'm',
  name: 'M',
  contextLength: 4_096,
  trainedContextLength: 8_192,
  quantization: null,
  capabilities: ['chat'],
  hasChatTemplate: true,
  prefillTokensPerSecond: null,
};
const kinds = ['embedded', 'ollama', 'llama-server', 'bitnet'] as const;

describe('what mends a window that is too short', () => {
  it.each(kinds)('is a setting where %s is ours', (engineKind) => {
    const fix = noticeOf(finding, { ...model, engineKind }, since).fix;
    const [, key = ''] = /^ranch-hand settings set (\S+) 8192$/.exec(fix?.kind === 'terminal' ? fix.line : '') ?? [];
    expect(settingPaths).toContain(key);
  });

  it.each(kinds)('is no setting of ours where somebody else started %s', (engineKind) => {
    expect(noticeOf(finding, { ...model, engineKind, owned: false }, since).fix).toEqual({
      kind: 'terminal',
      label: 'See how it runs',
      line: 'ranch-hand engines',
    });
  });
});
