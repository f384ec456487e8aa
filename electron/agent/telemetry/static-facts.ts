import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import * as z from 'zod';
import type { Logger } from '../base/logger.ts';

/** What the machine is made of; read once. */
export interface StaticFacts {
  readonly cpuModel: string;
  readonly gpus: readonly { readonly name: string; readonly memoryBytes: number | null }[];
}

export interface StaticFactsOptions {
  /** The program in `static-facts-child.ts`, as this build has it. */
  readonly childFile: string;
  readonly timeoutMs: number;
  /** Ends the asking, and the child with it. */
  readonly signal?: AbortSignal;
}

export interface StaticFactsDeps {
  readonly logger: Logger;
}

const factsSchema = z.object({
  cpuModel: z.string(),
  gpus: z.array(z.object({ name: z.string(), memoryBytes: z.number().nullable() })),
});

/** What is known without asking: the processor as Node names it, no graphics card. */
export function plainFacts(): StaticFacts {
  return { cpuModel: cpus()[0]?.model.trim() ?? 'unknown processor', gpus: [] };
}

/**
 * Asks a short-lived child of ours, because the library that knows starts processes of its own, some of them
 * synchronously, and would stay in the agent's memory for the one answer it gives. Never rejects: without an answer it
 * is {@link plainFacts}.
 */
export function readStaticFacts(options: StaticFactsOptions, deps: StaticFactsDeps): Promise<StaticFacts> {
  return new Promise((resolve) => {
    const settings = {
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      ...(options.signal && { signal: options.signal }),
      windowsHide: true,
      maxBuffer: 65_536,
    } as const;
    execFile(process.execPath, [options.childFile], settings, (error, stdout) => {
      const facts = factsSchema.safeParse(parse(stdout));
      if (facts.success) {
        resolve(facts.data);
        return;
      }
      if (options.signal?.aborted !== true) deps.logger.warn({ err: error }, 'the graphics cards could not be read');
      resolve(plainFacts());
    });
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
