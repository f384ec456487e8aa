import * as z from 'zod';
import { historyPointSchema, nodeSnapshotSchema, type NodeSnapshot } from './snapshot.ts';

/**
 * The control API's event stream (`GET /control/v1/events`). The first message is the whole snapshot; later ones carry
 * only the top-level sections that changed, plus at most one new history point. Each has a sequence number that grows
 * by one, also sent as the SSE `id`, so that `Last-Event-ID` resumes; a restarted agent starts at a higher number. An
 * event has no `event:` line (its `type` stands in its JSON), so that a browser's EventSource hands it to `onmessage`.
 * Lines that start with a colon are heartbeats.
 */
export const snapshotEventSchema = z.object({
  type: z.literal('snapshot'),
  seq: z.number(),
  snapshot: nodeSnapshotSchema,
});

export const changeEventSchema = z.object({
  type: z.literal('change'),
  seq: z.number(),
  /** Sections to replace as a whole. */
  set: nodeSnapshotSchema.omit({ history: true }).partial(),
  /** Points to append to the history, oldest first. */
  append: z.array(historyPointSchema),
});

export const controlEventSchema = z.discriminatedUnion('type', [snapshotEventSchema, changeEventSchema]);
export type ChangeEvent = z.infer<typeof changeEventSchema>;
export type ControlEvent = z.infer<typeof controlEventSchema>;

/** The snapshot after one change; the input is left untouched. */
export function applyChange(snapshot: NodeSnapshot, change: ChangeEvent): NodeSnapshot {
  const { history } = snapshot;
  const points = change.append.length === 0 ? history.points : [...history.points, ...change.append];
  const kept = points.length > history.capacity ? points.slice(points.length - history.capacity) : points;
  const defined = Object.fromEntries(Object.entries(change.set).filter(([, value]) => value !== undefined));
  return { ...snapshot, ...defined, history: { ...history, points: kept } };
}
