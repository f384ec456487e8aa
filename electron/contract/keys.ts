import * as z from 'zod';
import { offloadModes } from './cloud.ts';
import { ceilings, priorities } from './routing.ts';

/** What a key or a persona may do. Null: no limit of its own. */
export const policySchema = z.strictObject({
  /** Answers requests that name no model, or `ranch/auto`. */
  defaultModel: z.string().min(1).max(500).nullable().default(null),
  /** For requests that ask for no other. */
  priority: z.enum(priorities).default('normal'),
  /** A request never gets a higher one, whatever it asks for. */
  maxPriority: z.enum(priorities).default('high'),
  ceiling: z.enum(ceilings).default('cloud'),
  /** Models and aliases that may be named; `*` stands for any text. */
  models: z.array(z.string().min(1).max(500)).max(256).nullable().default(null),
  requestsPerMinute: z.int().min(1).max(1_000_000).nullable().default(null),
  /** Prompt and answer together. */
  tokensPerMinute: z.int().min(1).max(1_000_000_000).nullable().default(null),
  /** Requests that run at the same time. */
  concurrency: z.int().min(1).max(10_000).nullable().default(null),
  /** The offload switch of its own; it never opens further than the node's `off`. Null: the node's. */
  offload: z.enum(offloadModes).nullable().default(null),
  dollarsPerDay: z.number().min(0).max(1_000_000).nullable().default(null),
});
export type Policy = z.infer<typeof policySchema>;
export type PolicyInput = z.input<typeof policySchema>;

/** What a key may be called; blanks around it are left out. */
export const keyNameSchema = z
  .string()
  .min(1)
  .max(64)
  .refine((name) => /^[\p{L}\p{N} ._-]*$/u.test(name), 'be of letters, digits, spaces, ".", "_" and "-" alone');

/** `inference`: the gateway's routes. `admin`: these and the control API of the node from the network, once there is one. */
export const keyScopes = ['inference', 'admin'] as const;

export const keyRowSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** The first characters, to tell keys apart. */
  prefix: z.string(),
  scope: z.enum(keyScopes),
  policy: policySchema,
  createdAt: z.string(),
  lastUsedAt: z.string().nullable(),
  /** Address that it was last used from; null before its first use. */
  lastUsedFrom: z.string().nullable(),
  /** Null while it is valid. */
  revokedAt: z.string().nullable(),
  requestsTotal: z.number(),
  tokensTotal: z.number(),
});
export type KeyRow = z.infer<typeof keyRowSchema>;
