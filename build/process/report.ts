/** One step of a run: what it is called, and how it went. */
export interface StepResult {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
}

/** What a run of tests counted; the shape that the tests' reporter writes. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: Readonly<Record<string, number>>;
}

export const noTests: TestCounts = { passed: 0, failed: 0, skipped: {} };

/** Both together. */
export function addCounts(a: TestCounts, b: TestCounts): TestCounts {
  const skipped: Record<string, number> = { ...a.skipped };
  for (const [reason, count] of Object.entries(b.skipped)) skipped[reason] = (skipped[reason] ?? 0) + count;
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped };
}

/** The steps with their times, then which of them failed. */
export function describeSteps(steps: readonly StepResult[]): readonly string[] {
  const width = Math.max(...steps.map(({ name }) => name.length));
  const lines = steps.map(
    ({ name, passed, seconds }) => `  ${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(width)}  ${seconds.toFixed(1)} s`,
  );
  const failed = steps.filter(({ passed }) => !passed).map(({ name }) => name);
  return [...lines, failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.join(', ')}.`];
}

/** What did not run and why, loud enough to be seen, then the line that says how many did. */
export function describeCounts(counts: TestCounts): readonly string[] {
  const reasons = Object.entries(counts.skipped).sort(([, a], [, b]) => b - a);
  const skipped = reasons.reduce((sum, [, count]) => sum + count, 0);
  const lines: string[] = [];
  if (skipped > 0) {
    lines.push(`NOT RUN: ${skipped} ${skipped === 1 ? 'test was' : 'tests were'} skipped on this machine`);
    for (const [reason, count] of reasons) lines.push(`  ${String(count).padStart(4)} × ${reason}`);
    lines.push('');
  }
  const tail = skipped > 0 ? `, ${skipped} skipped` : '';
  lines.push(`${counts.passed} passed, ${counts.failed} failed${tail}`);
  return lines;
}
