import * as z from 'zod';
import { policySchema } from '../../../contract/keys.ts';
import { priorities } from '../../../contract/routing.ts';

/** A model with a character: what callers get who name it. */
const persona = z.strictObject({
  model: z.string().min(1).max(500),
  system: z.string().max(100_000).optional(),
  /** Whether `system` goes before the caller's own system prompt or replaces it. */
  systemMode: z.enum(['before', 'replace']).default('before'),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.int().min(0).max(100_000).optional(),
  seed: z.int().optional(),
  maxTokens: z.int().min(1).max(10_000_000).optional(),
  /** The voice that it speaks with. Left out: that of `cloud.speech`. */
  voice: z.string().min(1).max(100).optional(),
  ...policySchema.omit({ defaultModel: true, models: true }).partial().shape,
  /** Left out: the key's own holds. */
  priority: z.enum(priorities).optional(),
});

/** The operator's own names for models. */
export const namesSection = z
  .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}$/), z.union([z.string().min(1).max(500), persona]))
  .default({})
  .describe(
    'Names of your own for callers: another name for a model, or a persona that joins a model, a system prompt, sampling and limits.',
  );
