import { isAbsolute } from 'node:path';
import * as z from 'zod';

/** The newest form of `config.json` that this program writes. */
export const settingsVersion = 1;

const automatic = z.literal('auto');
/** The agent's working folder is an accident, so a relative path would mean another file at the next start. */
const fullPath = z
  .string()
  .min(1)
  .max(4_096)
  .refine((path) => path === '' || isAbsolute(path), 'be a full path');
const port = z.int().min(0).max(65_535);

/**
 * Everything an operator can set, with its default. The descriptions end up in the published JSON schema and in the
 * panel, so they are written for the operator.
 */
export const settingsSchema = z.object({
  version: z.int().min(1).default(settingsVersion).describe('Form of this file; written by the agent.'),
  node: z
    .object({
      name: z
        .string()
        .min(1)
        .max(63)
        .nullable()
        .default(null)
        .describe('Name shown to people. Default: the host name.'),
    })
    .prefault({}),
  gateway: z
    .object({
      host: z
        .enum(['127.0.0.1', '::1'])
        .default('127.0.0.1')
        .describe(
          'Loopback address of the gateway. Listening on the network needs callers’ keys, which are still to come.',
        ),
      port: port.default(8080).describe('Port of the gateway. 0 takes any free one.'),
      drainMs: z
        .int()
        .min(0)
        .max(8_000)
        .default(5_000)
        .describe(
          'How long a stopping node lets running answers finish, in milliseconds. It is gone within ten seconds.',
        ),
      maxQueued: z.int().min(0).max(10_000).default(64).describe('Most requests that wait for an engine slot.'),
      maxBodyBytes: z
        .int()
        .min(1_024)
        .max(268_435_456)
        .default(33_554_432)
        .describe('Largest request body the gateway reads, in bytes.'),
    })
    .prefault({}),
  control: z
    .object({
      host: z.enum(['127.0.0.1', '::1']).default('127.0.0.1').describe('Loopback address of the control API.'),
      port: port
        .default(0)
        .describe('Port of the control API and the panel. 0 takes the last one again, or any free one.'),
      panelDir: fullPath.nullable().default(null).describe('Folder with another build of the panel.'),
    })
    .prefault({}),
  models: z
    .object({
      default: fullPath
        .nullable()
        .default(null)
        .describe('Path of the GGUF file to load. Default: what is in the models folder.'),
    })
    .prefault({}),
  engines: z
    .object({
      embedded: z
        .object({
          enabled: z.boolean().default(true).describe('Whether the embedded engine runs.'),
          contextLength: z
            .union([automatic, z.int().min(256).max(1_048_576)])
            .default('auto')
            .describe('Tokens of context for each slot. "auto" takes what the model was trained on, up to 8192.'),
          parallel: z
            .union([automatic, z.int().min(1).max(64)])
            .default('auto')
            .describe('Answers generated side by side.'),
          threads: z
            .union([automatic, z.int().min(1).max(1_024)])
            .default('auto')
            .describe('Threads that compute. "auto" takes the usable cores.'),
        })
        .prefault({}),
    })
    .prefault({}),
  log: z
    .object({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least severity that is logged.'),
    })
    .prefault({}),
});

export type Settings = z.infer<typeof settingsSchema>;

/** What holds when nothing is set. */
export const defaultSettings: Settings = settingsSchema.parse({});

/** The published JSON schema of `config.json` (draft 2020-12). */
export function settingsJsonSchema(): object {
  return { title: 'Settings of Ranch Hand (config.json)', ...z.toJSONSchema(settingsSchema, { io: 'input' }) };
}
