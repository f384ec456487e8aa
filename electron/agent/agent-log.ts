import { join } from 'node:path';
import { pino, type Logger as PinoLogger } from 'pino';
import buildRollingStream from 'pino-roll';

export interface AgentLog {
  readonly logger: PinoLogger;
  /** Writes what is still buffered and closes the file. */
  close(): Promise<void>;
}

/** One file grows to this size before the next is begun. */
const fileSize = '5m';
/** Older files that are kept beside the one being written. */
const olderFiles = 4;

/**
 * The agent's own log: JSON lines in `<logsDir>/agent.N.log`, rotated by size and capped in number. It writes on this
 * thread's event loop in small batches: pino's worker-thread transports would cost an idle node some ten megabytes.
 * Rejects with the system's error when the file cannot be opened.
 */
export async function openAgentLog(logsDir: string, level: string): Promise<AgentLog> {
  const stream = await buildRollingStream({
    file: join(logsDir, 'agent.log'),
    size: fileSize,
    limit: { count: olderFiles, removeOtherLogFiles: true },
    mkdir: true,
    mode: 0o600,
  });
  // It opens its file after this function has it, so a failure is told as an event that nobody would wait for.
  await new Promise<void>((resolve, reject) => {
    stream.once('ready', resolve);
    stream.once('error', reject);
  });
  // A full disk costs log lines and not the node. What failed is tried again with the next line.
  stream.on('error', () => undefined);
  let open = true;
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      // A belt to the braces of never passing such fields in the first place.
      redact: ['*.authorization', '*.key', '*.token', '*.apiKey', '*.prompt', '*.messages', 'key', 'token', 'prompt'],
    },
    // A line that comes after the end has nowhere to go; the stream itself would throw at whoever wrote it.
    {
      write(line: string) {
        if (open) stream.write(line);
      },
    },
  );
  return {
    logger,
    close: () =>
      new Promise<void>((resolve) => {
        open = false;
        stream.once('close', resolve);
        stream.once('error', () => {
          resolve();
        });
        stream.end();
      }),
  };
}
