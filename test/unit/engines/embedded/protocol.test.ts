import { describe, expect, it } from 'vitest';
import { parseReport, parseSettings } from '../../../../electron/agent/engines/embedded/protocol.ts';

const settings = {
  key: '0123456789abcdef',
  modelPath: '/models/a.gguf',
  modelId: 'a',
  contextSize: 'auto',
  parallel: 2,
  threads: 'auto',
};
const model = {
  id: 'a',
  contextLength: 8_192,
  trainedContextLength: 16_384,
  slots: 2,
  threads: 2,
  hasChatTemplate: true,
  hasTools: false,
  engineVersion: 'llama.cpp v0.4.0',
};

describe('parseSettings', () => {
  it('reads what the agent writes', () => {
    expect(parseSettings(JSON.stringify(settings))).toEqual(settings);
  });

  it.each([
    ['a short key', { key: 'short' }],
    ['no path', { modelPath: 7 }],
    ['no slots', { parallel: 0 }],
    ['half a thread', { threads: 0.5 }],
  ])('refuses %s', (_, change) => {
    expect(parseSettings(JSON.stringify({ ...settings, ...change }))).toBeNull();
  });

  it.each(['', 'hello', '[]', '{', 'null'])('refuses %j', (line) => {
    expect(parseSettings(line)).toBeNull();
  });
});

describe('parseReport', () => {
  it.each([
    { event: 'listening', port: 4_000 },
    { event: 'ready', port: 4_000, model },
    { event: 'stats', busy: 1, waiting: 0, memoryBytes: 5 },
    { event: 'failed', message: 'no' },
  ])('reads $event', (report) => {
    expect(parseReport(JSON.stringify(report))).toEqual(report);
  });

  it.each([
    'llama_model_loader: loaded',
    '{"event":"ready","port":4000}',
    '{"event":"listening","port":"4000"}',
    '{"event":"stats","busy":-1,"waiting":0,"memoryBytes":5}',
    '{"event":"other"}',
    `{"event":"failed","message":"${'x'.repeat(70_000)}"}`,
  ])('takes %.60j for ordinary output', (line) => {
    expect(parseReport(line)).toBeNull();
  });
});
