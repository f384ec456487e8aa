import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { replaceFile } from './base/atomic-file.ts';

/**
 * What a node remembers of itself between runs (`node.json`, 0600): who it is, the port its control API had, and the
 * secret that signs panel sessions. With the last two an open panel reconnects after a restart by itself.
 */
const nodeRecordSchema = z.object({
  id: z.uuid(),
  sessionSecret: z.string().min(43),
  controlPort: z.int().min(0).max(65_535),
});
export type NodeRecord = z.infer<typeof nodeRecordSchema>;

/** The record in `dataDir`; a new one where there is none or it cannot be read. */
export function loadNodeRecord(dataDir: string): NodeRecord {
  const found = nodeRecordSchema.safeParse(readJson(recordPath(dataDir)));
  if (found.success) return found.data;
  return { id: randomUUID(), sessionSecret: randomBytes(32).toString('base64url'), controlPort: 0 };
}

/** Replaces the record as a whole. */
export function saveNodeRecord(dataDir: string, record: NodeRecord): void {
  replaceFile(recordPath(dataDir), `${JSON.stringify(record, null, 2)}\n`);
}

function recordPath(dataDir: string): string {
  return join(dataDir, 'node.json');
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Absent or broken: nothing in it is worth more than a fresh identity before the node has peers.
    return undefined;
  }
}
