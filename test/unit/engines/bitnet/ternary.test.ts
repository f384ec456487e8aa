import { describe, expect, it } from 'vitest';
import { isTernary } from '../../../../electron/agent/engines/bitnet/ternary.ts';
import type { GgufHeader } from '../../../../electron/agent/models/gguf-reader.ts';

const header = (type: number, architecture = 'llama'): GgufHeader => ({
  sizeBytes: 1,
  version: 3,
  architecture,
  name: null,
  quantization: null,
  contextLength: null,
  blockCount: null,
  embeddingLength: null,
  headCount: null,
  headCountKv: null,
  parameters: 1,
  tensorTypes: new Map([
    [0, 1],
    [type, 9],
  ]),
  hasChatTemplate: false,
  use: { chatTemplate: null, tools: false, use: 'answers' },
  shape: null,
});

describe('isTernary', () => {
  it('B59 knows the formats of the fork and those of llama.cpp, and takes MXFP4 for none of them', () => {
    for (const type of [34, 35, 36, 38]) expect(isTernary({ header: header(type) })).toBe(true);
    expect(isTernary({ header: header(39, 'bitnet-b1.58') })).toBe(true);
    expect(isTernary({ header: header(39, 'gpt-oss') })).toBe(false);
    expect(isTernary({ header: header(12) })).toBe(false);
    expect(isTernary({ header: null })).toBe(false);
  });
});
