import type { PullSnapshot, SwitchSnapshot } from '../../contract/snapshot.ts';
import { bytes, bytesOf, meter, percent, span } from './figures.ts';
import type { Palette } from './palette.ts';
import { dotted } from './spans.ts';
import { safeLine } from './text.ts';

const meterCells = 20;

/** Whether nothing more comes of it by itself. */
export function pullHasEnded({ state }: PullSnapshot): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

/** "█████░░░ 42 % · 106 of 253 MB · 12 MB/s · 12 s left". */
export function pullProgress(pull: PullSnapshot): string {
  const { receivedBytes, totalBytes, bytesPerSecond, secondsLeft, state } = pull;
  const share = totalBytes === null || totalBytes === 0 ? null : receivedBytes / totalBytes;
  return dotted([
    share === null ? null : `${meter(share, meterCells)} ${percent(share * 100)}`,
    totalBytes === null ? bytes(receivedBytes) : bytesOf(receivedBytes, totalBytes),
    state === 'running' ? null : state,
    bytesPerSecond === null ? null : `${bytes(bytesPerSecond)}/s`,
    secondsLeft === null ? null : `${span(secondsLeft * 1000)} left`,
  ]);
}

/** Pulls under way, and those that failed or were paused, each with the command that helps. */
export function pullLines(pulls: readonly PullSnapshot[], palette: Palette): string[] {
  return pulls
    .filter(({ state }) => state !== 'done' && state !== 'cancelled')
    .flatMap((pull) => [
      `${palette.strong(safeLine(pull.name))}  ${pullProgress(pull)}`,
      `  ${pull.state === 'failed' ? palette.bad(safeLine(pull.sentence)) : safeLine(pull.sentence)}`,
      ...helpOf(pull).map((line) => palette.dim(`  ${line}`)),
    ]);
}

function helpOf({ id, state }: PullSnapshot): string[] {
  switch (state) {
    case 'queued':
    case 'running':
      return [`ranch-hand models pause ${safeLine(id)}`];
    case 'paused':
    case 'failed':
      return [`ranch-hand models resume ${safeLine(id)}   ranch-hand models cancel ${safeLine(id)}`];
    case 'verifying':
    case 'done':
    case 'cancelled':
      return [];
  }
}

export function switchHasEnded({ phase }: SwitchSnapshot): boolean {
  return phase === 'done' || phase === 'rolled-back' || phase === 'failed';
}

/** The switch under way, in a line. */
export function switchProgress({ sentence, progress }: SwitchSnapshot): string {
  return dotted([
    progress === null ? null : `${meter(progress, meterCells)} ${percent(progress * 100)}`,
    safeLine(sentence),
  ]);
}
