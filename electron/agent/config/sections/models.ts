import { isAbsolute } from 'node:path';
import * as z from 'zod';
import { meansPath } from '../../../contract/control.ts';
import { automatic, fullPath, kvType } from './values.ts';

/** Which models there are, and when they are in memory. */
export const modelsSection = z
  .object({
    default: z
      .string()
      .min(1)
      .max(4_096)
      .refine((text) => text === '' || !meansPath(text) || isAbsolute(text), 'be a name or a full path')
      .nullable()
      .default(null)
      .describe(
        'The model for callers who name none: its name, or the path of a GGUF file. Default: a model that an engine has of its own, else the file that came last.',
      ),
    folders: z
      .array(fullPath)
      .max(32)
      .default([])
      .describe('More folders with GGUF files, beside the models folder of the node.'),
    onDemand: z
      .boolean()
      .default(true)
      .describe(
        'Whether a request that names a model which is not loaded loads it, if there is room beside the others.',
      ),
    holdMs: z
      .int()
      .min(0)
      .max(3_600_000)
      .default(300_000)
      .describe('How long a request waits for its model to be loaded, in milliseconds.'),
    keepAliveMinutes: z
      .number()
      .min(0)
      .max(525_600)
      .nullable()
      .default(5)
      .describe(
        'After how many minutes without a request a model that is not the default one is unloaded. null: never.',
      ),
    headroomGb: z.number().min(0).max(1_024).default(1).describe('Memory that models leave free, in GB.'),
    diskReserveGb: z.number().min(0).max(100_000).default(2).describe('Disk space that a pull leaves free, in GB.'),
    servingCheck: z
      .boolean()
      .default(true)
      .describe('Whether a model that was loaded is asked a few short questions, to find what would ruin its answers.'),
    warm: z
      .array(z.string().min(1).max(500))
      .max(8)
      .default([])
      .describe('Models whose files are read ahead while the node is idle, so that a switch to them is quick.'),
    options: z
      .record(
        z.string().min(1).max(500),
        z.strictObject({
          contextLength: z
            .union([automatic, z.int().min(256).max(10_000_000)])
            .optional()
            .describe("Tokens of context for each slot. Default: its engine's setting."),
          parallel: z
            .union([automatic, z.int().min(1).max(64)])
            .optional()
            .describe("Answers generated side by side. Default: its engine's setting."),
          kvType: kvType
            .optional()
            .describe("How keys and values are kept: f16, q8_0 or q4_0. Default: its engine's setting."),
          keepAliveMinutes: z
            .number()
            .min(0)
            .max(525_600)
            .nullable()
            .optional()
            .describe(
              'After how many minutes without a request it is unloaded. null: never. Default: models.keepAliveMinutes.',
            ),
          preload: z.boolean().optional().describe('Whether it is loaded when the node starts.'),
          pinned: z.boolean().optional().describe('Whether it is never unloaded to make room or for being idle.'),
        }),
      )
      .default({})
      .describe(
        'Options of single models by name: contextLength, parallel, kvType, keepAliveMinutes, preload, pinned.',
      ),
  })
  .prefault({});
