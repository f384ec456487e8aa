import * as z from 'zod';
import { cloudSettingsSchema } from '../../contract/cloud.ts';
import { logLevels } from '../../contract/log-levels.ts';
import { enginesSection } from './sections/engines.ts';
import { gatewaySection } from './sections/gateway.ts';
import { modelsSection } from './sections/models.ts';
import { namesSection } from './sections/names.ts';
import { upstreamsSection } from './sections/upstreams.ts';
import { fullPath, port } from './sections/values.ts';

/** The newest form of `config.json` that this program writes. */
export const settingsVersion = 1;

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
  gateway: gatewaySection,
  control: z
    .object({
      host: z.enum(['127.0.0.1', '::1']).default('127.0.0.1').describe('Loopback address of the control API.'),
      port: port
        .default(0)
        .describe('Port of the control API and the panel. 0 takes the last one again, or any free one.'),
      panelDir: fullPath.nullable().default(null).describe('Folder with another build of the panel.'),
    })
    .prefault({}),
  models: modelsSection,
  engines: enginesSection,
  names: namesSection,
  upstreams: upstreamsSection,
  cloud: cloudSettingsSchema.prefault({}),
  log: z
    .object({
      level: z.enum(logLevels).default('info').describe('Least severity that is logged.'),
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
