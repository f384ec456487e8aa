import { type CommandName } from '../../electron/contract/control.ts';
import { type PullSnapshot } from '../../electron/contract/snapshot.ts';
import { assertNever } from '../assert-never.ts';
import { formatBytes } from './bytes.ts';
import { formatSpan } from './time.ts';
import { type Tone } from './words.ts';

const states: Readonly<Record<PullSnapshot['state'], { word: string; tone: Tone }>> = {
  queued: { word: 'Waiting', tone: 'quiet' },
  running: { word: 'Coming', tone: 'busy' },
  paused: { word: 'Paused', tone: 'quiet' },
  verifying: { word: 'Being checked', tone: 'busy' },
  done: { word: 'Here', tone: 'well' },
  failed: { word: 'Failed', tone: 'wrong' },
  cancelled: { word: 'Cancelled', tone: 'quiet' },
};

/** A pull's state as a word and a colour. */
export function pullStateWord(pull: Pick<PullSnapshot, 'state' | 'source'>): { word: string; tone: Tone } {
  if (pull.source === 'quantize' && pull.state === 'running') return { word: 'Being made', tone: 'busy' };
  return states[pull.state];
}

const sources: Readonly<Record<PullSnapshot['source'], string>> = {
  ollama: 'from the Ollama library',
  'hugging-face': 'from Hugging Face',
  url: 'from an address',
  file: 'from a file',
  quantize: 'made on this node',
};

/** Where a pull comes from, in words. */
export function pullSourceWords(source: PullSnapshot['source']): string {
  return sources[source];
}

/** Whether anything is still to come of it. */
export function pullIsOver(state: PullSnapshot['state']): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

/** Whether the agent's own sentence says more than the figures: of what ended or waits, and while nothing flows. */
export function pullTellsWhy({ state, bytesPerSecond }: Pick<PullSnapshot, 'state' | 'bytesPerSecond'>): boolean {
  return state !== 'verifying' && (state !== 'running' || bytesPerSecond === null);
}

/** Share that is here, 0–1; null while the whole is not known. Below 1 until it is all there. */
export function pullShare(pull: Pick<PullSnapshot, 'receivedBytes' | 'totalBytes'>): number | null {
  if (pull.totalBytes === null || !(pull.totalBytes > 0)) return null;
  return Math.min(1, Math.max(0, pull.receivedBytes / pull.totalBytes));
}

/** Bytes, speed and time left in one line: "1.2 GB of 5.7 GB, 38 MB/s, 1 min 58 s left". */
export function pullFigures(
  pull: Pick<PullSnapshot, 'state' | 'receivedBytes' | 'totalBytes' | 'bytesPerSecond' | 'secondsLeft'>,
): string {
  const here = formatBytes(pull.receivedBytes);
  const bytes = pull.totalBytes === null ? here : `${here} of ${formatBytes(pull.totalBytes)}`;
  if (pull.state !== 'running') return bytes;
  const speed = pull.bytesPerSecond === null ? null : `${formatBytes(pull.bytesPerSecond)}/s`;
  const left = pull.secondsLeft === null ? null : `${formatSpan(pull.secondsLeft * 1000)} left`;
  return [bytes, speed, left].filter((part) => part !== null).join(', ');
}

/** A command that a pull's state allows. */
export interface PullAction {
  readonly command: Extract<CommandName, `models.${string}Pull`>;
  readonly label: string;
}

const pause: PullAction = { command: 'models.pausePull', label: 'Pause' };
const resume: PullAction = { command: 'models.resumePull', label: 'Resume' };
const cancel: PullAction = { command: 'models.cancelPull', label: 'Cancel' };
/** What has come of it is removed, and nothing more is told of it. */
const giveUp: PullAction = { command: 'models.cancelPull', label: 'Give it up' };

/** What may be done to a pull now. What is being made here cannot be paused: it would start over. */
export function pullActions(pull: Pick<PullSnapshot, 'state' | 'source'>): readonly PullAction[] {
  switch (pull.state) {
    case 'queued':
    case 'running':
      return pull.source === 'quantize' ? [cancel] : [pause, cancel];
    case 'paused':
      return [resume, cancel];
    case 'verifying':
      return [cancel];
    case 'failed':
      return [giveUp];
    case 'done':
    case 'cancelled':
      return [];
    default:
      return assertNever(pull.state);
  }
}

/** Whether pulling the same reference again can help. */
export function canTryAgain(pull: Pick<PullSnapshot, 'state' | 'source'>): boolean {
  return (pull.state === 'failed' || pull.state === 'cancelled') && pull.source !== 'quantize';
}

/** What a reference names, as its reader would say it; null for what is none yet. */
export function referenceKind(reference: string): string | null {
  const text = reference.trim();
  if (text === '') return null;
  if (/^(?:hf\.co|huggingface\.co)\//iu.test(text)) return 'A model on Hugging Face.';
  if (/^https:\/\//iu.test(text)) return 'A file at an https address.';
  if (/^[a-z][a-z0-9+.-]*:\/\//iu.test(text)) return 'Only https addresses are accepted.';
  if (/^(?:[/\\~]|\.{1,2}[/\\]|[A-Za-z]:[\\/])/u.test(text)) return 'A file on the machine of this node.';
  return 'A name of the Ollama library.';
}
