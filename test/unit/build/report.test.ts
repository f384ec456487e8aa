import { describe, expect, it } from 'vitest';
import { addCounts, describeCounts, describeSteps, noTests } from '../../../build/process/report.ts';

describe('describeCounts', () => {
  it('ends with the line that scripts read', () => {
    expect(describeCounts({ passed: 3, failed: 1, skipped: {} })).toEqual(['3 passed, 1 failed']);
  });

  it('says aloud what did not run, the largest group first', () => {
    const lines = describeCounts({ passed: 3, failed: 0, skipped: { 'no Chromium': 1, 'no model': 4 } });
    expect(lines[0]).toBe('NOT RUN: 5 tests were skipped on this machine');
    expect(lines[1]).toContain('4 × no model');
    expect(lines.at(-1)).toBe('3 passed, 0 failed, 5 skipped');
  });
});

describe('addCounts', () => {
  it('adds runs up, skipped tests by reason', () => {
    const one = { passed: 1, failed: 2, skipped: { a: 1 } };
    const sum = addCounts(one, { passed: 10, failed: 20, skipped: { a: 2, b: 3 } });
    expect(sum).toEqual({ passed: 11, failed: 22, skipped: { a: 3, b: 3 } });
    expect(addCounts(noTests, one)).toEqual(one);
  });
});

describe('describeSteps', () => {
  it('names every failed step at the end', () => {
    const lines = describeSteps([
      { name: 'format', passed: true, seconds: 1 },
      { name: 'lint', passed: false, seconds: 2.25 },
    ]);
    expect(lines[1]).toMatch(/FAILED {2}lint .* 2\.3 s/);
    expect(lines.at(-1)).toBe('Failed: lint.');
    expect(describeSteps([{ name: 'format', passed: true, seconds: 1 }]).at(-1)).toBe('All checks passed.');
  });
});
