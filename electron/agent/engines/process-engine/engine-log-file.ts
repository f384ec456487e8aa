import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { EngineLog } from '../engine-log.ts';
import { RotatedFile } from '../rotated-file.ts';

const maxBytes = 5 * 1024 * 1024;
const keep = 3;

/** The log of one engine, in `engine-<id>.log` of the logs folder, rotated. */
export function engineLog(options: { logsDir: string; engineId: string }, deps: { clock: Clock }): EngineLog {
  const file = new RotatedFile({
    path: path.join(options.logsDir, `engine-${options.engineId}.log`),
    maxBytes,
    keep,
  });
  return new EngineLog({ clock: deps.clock, file });
}
