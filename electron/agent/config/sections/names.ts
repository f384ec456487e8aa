import * as z from 'zod';
import { policySchema } from '../../../contract/keys.ts';
import { priorities } from '../../../contract/routing.ts';

/** A model with a character: what callers get who name it. */
const persona = z.strictObject({
  model: z.string().min(1).max(500).describe('The model that answers; any name that a caller may use.'),
  system: z.string().max(100_000).optional().describe('Its system prompt.'),
  systemMode: z
    .enum(['before', 'replace'])
    .default('before')
    .describe("Whether its system prompt goes before the caller's own or in its place."),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe("How freely it chooses its words. Default: the caller's, else the model's."),
  topP: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      "Share of all probability that the tokens it chooses from have together. Default: the caller's, else the model's.",
    ),
  topK: z
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe("How many of the likeliest tokens it chooses from. Default: the caller's, else the model's."),
  seed: z
    .int()
    .optional()
    .describe("Number from which its choices follow, to get an answer again. Default: the caller's, else any."),
  maxTokens: z.int().min(1).max(10_000_000).optional().describe('Most tokens of an answer. A caller may ask for less.'),
  voice: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('The voice that it speaks with. Default: that of cloud.speech.'),
  ...policySchema.omit({ defaultModel: true, models: true }).partial().shape,
  priority: z
    .enum(priorities)
    .optional()
    .describe("Class of requests that ask for none. Default: that of the caller's key."),
});

/** The operator's own names for models. */
export const namesSection = z
  .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}$/), z.union([z.string().min(1).max(500), persona]))
  .default({})
  .describe(
    'Names of your own for callers: another name for a model, or a persona that joins a model, a system prompt, sampling and limits.',
  );
