import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  buildSelfTestModel,
  buildTernaryTestModel,
  selfTestSentence,
  selfTestToolCall,
} from '../../../build/self-test-model.ts';

describe('buildSelfTestModel', () => {
  it('is the same every time, and small', () => {
    const [first, second] = [buildSelfTestModel(), buildSelfTestModel()];
    expect(createHash('sha256').update(first).digest('hex')).toBe(createHash('sha256').update(second).digest('hex'));
    expect(first.length).toBeLessThan(1_048_576);
    expect(first.subarray(0, 4).toString()).toBe('GGUF');
  });

  it('says that the node works and how to pick a real model', () => {
    const sentence = selfTestSentence.pieces.join('');
    expect(sentence).toContain('can load a model and generate text');
    expect(sentence).toContain('GGUF file into its models folder');
    expect(sentence).toContain('--set models.default=PATH');
  });

  it('refuses sentences that its chain of tokens cannot say', () => {
    const says = (pieces: readonly string[]) => () => buildSelfTestModel({ ...selfTestToolCall, pieces });
    expect(says(['a', ' b', 'a'])).toThrow('no two may be equal');
    expect(says([])).toThrow('1 to');
    expect(says(Array.from({ length: 29 }, (_, index) => ` w${index}`))).toThrow('1 to 28 pieces');
  });

  it('computes one for ternary quantizations too, which is another file and the same every time', () => {
    const [first, second] = [buildTernaryTestModel(), buildTernaryTestModel()];
    expect(first.equals(second)).toBe(true);
    expect(first.length).toBeLessThan(4_194_304);
    expect(first.equals(buildSelfTestModel())).toBe(false);
  });
});
