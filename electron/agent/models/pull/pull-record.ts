import * as z from 'zod';
import type { PullSnapshot } from '../../../contract/snapshot.ts';
import { assertNever } from '../../base/errors.ts';
import type { Progress } from './progress.ts';

const plannedFileSchema = z.object({
  /** Name in the models folder. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  url: z.string(),
  sizeBytes: z.number().nullable(),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** What the server called the version that has begun to arrive. */
  validator: z.string().nullable(),
});
/** A file of a pull: where it comes from, what it has to be, and what it will be called. */
export type PlannedFile = z.infer<typeof plannedFileSchema>;

const jobSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('fetch'), reference: z.string(), sha256: z.string().nullable() }),
  z.object({
    kind: z.literal('quantize'),
    /** Id of the model it is made from. */
    from: z.string(),
    /** Its file; null for one that Ollama keeps. */
    path: z.string().nullable(),
    quantization: z.string(),
    /** Stem of the file to make, or the name in Ollama. */
    target: z.string(),
  }),
]);
export type PullJob = z.infer<typeof jobSchema>;

const stateSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('queued') }),
  /** `note`: what is going on when it is not just running. */
  z.object({ kind: z.literal('running'), note: z.string().nullable() }),
  z.object({ kind: z.literal('verifying') }),
  z.object({ kind: z.literal('paused') }),
  z.object({
    kind: z.literal('done'),
    endedAt: z.number(),
    model: z.string().nullable(),
    /** Why it is not switched to, though that was wished; null otherwise. */
    notUsed: z.string().nullable().default(null),
  }),
  z.object({ kind: z.literal('failed'), endedAt: z.number(), message: z.string() }),
  z.object({ kind: z.literal('cancelled'), endedAt: z.number() }),
]);
export type PullState = z.infer<typeof stateSchema>;

export const pullRecordSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  job: jobSchema,
  name: z.string(),
  source: z.enum(['ollama', 'hugging-face', 'url', 'file', 'quantize']),
  /** The model is switched to when it is here. */
  use: z.boolean(),
  state: stateSchema,
  /** Empty until it is known. */
  files: z.array(plannedFileSchema),
  /** How far it was when this was written. */
  receivedBytes: z.number(),
  totalBytes: z.number().nullable(),
  /** Milliseconds since the epoch. */
  startedAt: z.number(),
});

/** Everything of a pull that outlives the agent, besides the parts in the staging folder. */
export type PullRecord = z.infer<typeof pullRecordSchema>;

/** Whether nothing more will happen by itself or by `resume`, apart from trying again. */
export function hasEnded(state: PullState): state is Extract<PullState, { endedAt: number }> {
  return state.kind === 'done' || state.kind === 'failed' || state.kind === 'cancelled';
}

/** Running ones first, then those that wait, oldest first; then the last that ended, newest first. */
export function compareRecords(a: PullRecord, b: PullRecord): number {
  const time = ({ state, startedAt }: PullRecord): number => (hasEnded(state) ? -state.endedAt : startedAt);
  return rankOf(a.state) - rankOf(b.state) || time(a) - time(b);
}

function rankOf(state: PullState): number {
  if (state.kind === 'running' || state.kind === 'verifying') return 0;
  return hasEnded(state) ? 2 : 1;
}

/** As surfaces show it. `nowMs` is monotonic, as {@link Progress} counts. */
export function toSnapshot(record: PullRecord, progress: Progress, nowMs: number): PullSnapshot {
  const { state, job } = record;
  const flows = state.kind === 'running';
  return {
    id: record.id,
    reference: job.kind === 'fetch' ? job.reference : `${job.from} as ${job.quantization}`,
    name: record.name,
    source: record.source,
    state: state.kind,
    sentence: sentenceOf(record),
    receivedBytes: progress.receivedBytes,
    totalBytes: progress.totalBytes,
    bytesPerSecond: flows ? progress.bytesPerSecond(nowMs) : null,
    secondsLeft: flows ? progress.secondsLeft(nowMs) : null,
    startedAt: new Date(record.startedAt).toISOString(),
    endedAt: hasEnded(state) ? new Date(state.endedAt).toISOString() : null,
    thenUse: record.use && !(state.kind === 'done' && state.notUsed !== null),
    model: state.kind === 'done' ? state.model : null,
  };
}

function sentenceOf({ state, source }: PullRecord): string {
  switch (state.kind) {
    case 'queued':
      return 'Waits for another pull to end.';
    case 'running':
      return state.note ?? workSentences[source];
    case 'verifying':
      return 'Checks what has arrived.';
    case 'paused':
      return 'Paused. What has arrived is kept; resume it at any time.';
    case 'done':
      return state.notUsed === null ? 'It is here.' : `It is here, but it is not switched to: ${state.notUsed}`;
    case 'failed':
      return state.message;
    case 'cancelled':
      return 'Cancelled. What had arrived is removed.';
    default:
      return assertNever(state);
  }
}

const workSentences = {
  ollama: 'Ollama downloads it from its library.',
  'hugging-face': 'Downloads from Hugging Face.',
  url: 'Downloads.',
  file: 'Takes the file into the models folder.',
  quantize: 'Makes the quantization. The figures count the bytes of the model it is made from.',
} as const satisfies Record<PullRecord['source'], string>;
