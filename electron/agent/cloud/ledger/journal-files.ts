import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** One file of the journal. Each run of the agent writes its own, numbered from 1. */
export interface Segment {
  readonly run: number;
  readonly part: number;
  readonly path: string;
}

const namePattern = /^journal-(\d{1,16})-(\d{1,9})\.log$/;

export function segmentOf(journalDir: string, run: number, part: number): Segment {
  return { run, part, path: join(journalDir, `journal-${run}-${part}.log`) };
}

/** All files of the journal, oldest first; none where there is no folder. */
export function listSegments(journalDir: string): readonly Segment[] {
  let names: readonly string[];
  try {
    names = readdirSync(journalDir);
  } catch {
    return [];
  }
  const segments = names.flatMap((name) => {
    const match = namePattern.exec(name);
    return match ? [segmentOf(journalDir, Number(match[1]), Number(match[2]))] : [];
  });
  return segments.toSorted((a, b) => a.run - b.run || a.part - b.part);
}

/** Number of a run that begins now: the time, but always beyond every run that left something. */
export function nextRun(journalDir: string, nowMs: number): number {
  const last = listSegments(journalDir).at(-1)?.run ?? 0;
  return Math.max(nowMs, last + 1);
}
