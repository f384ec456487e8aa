import { crc32 } from 'node:zlib';
import type { JournalEntry, NumberedEntry } from './entries.ts';

const lineEnd = 0x0a;
const checksumLength = 8;
/** The shortest line that could be whole: checksum, space, number, space, braces. */
const shortestLine = checksumLength + 5;

/** What was found in a piece of the journal. */
export interface DecodedLines {
  readonly entries: readonly NumberedEntry[];
  /** Whole lines whose checksum, number or text was wrong. */
  readonly damaged: number;
  /** Bytes up to the end of the last whole line; what follows is the beginning of one. */
  readonly readBytes: number;
}

/** One line: checksum of the rest in hex, number, entry as JSON, line end. */
export function encodeLine(seq: number, entry: JournalEntry): string {
  // JSON escapes line ends, so that the only one is the line's own.
  const text = `${seq} ${JSON.stringify(entry)}`;
  return `${checksum(text)} ${text}\n`;
}

/**
 * Every whole line of a piece that begins where a line begins. A line that is damaged is counted and left out, and the
 * next one is read all the same: each stands for itself, and what is lost of money by that is for the caller to book.
 */
export function decodeLines(bytes: Buffer): DecodedLines {
  const entries: NumberedEntry[] = [];
  let damaged = 0;
  let start = 0;
  for (let end = bytes.indexOf(lineEnd); end >= 0; end = bytes.indexOf(lineEnd, start)) {
    const decoded = decodeLine(bytes.toString('utf8', start, end));
    if (decoded) entries.push(decoded);
    else damaged += 1;
    start = end + 1;
  }
  return { entries, damaged, readBytes: start };
}

function decodeLine(line: string): NumberedEntry | null {
  if (line.length < shortestLine || line[checksumLength] !== ' ') return null;
  const text = line.slice(checksumLength + 1);
  if (checksum(text) !== line.slice(0, checksumLength)) return null;
  const space = text.indexOf(' ');
  const seq = Number(text.slice(0, space));
  if (!Number.isSafeInteger(seq) || seq < 1) return null;
  // The checksum says that it is what encodeLine wrote.
  return { seq, entry: JSON.parse(text.slice(space + 1)) as JournalEntry };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(checksumLength, '0');
}
