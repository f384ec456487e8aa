import * as z from 'zod';
import { offloadModes } from './cloud.ts';
import { ceilings, priorities } from './routing.ts';

/** What a key or a persona may do. Null: no limit of its own. */
export const policySchema = z.strictObject({
  defaultModel: z
    .string()
    .min(1)
    .max(500)
    .nullable()
    .default(null)
    .describe('Answers requests that name no model, or ranch/auto. null: what the node chooses.'),
  priority: z.enum(priorities).default('normal').describe('Class of requests that ask for none.'),
  maxPriority: z
    .enum(priorities)
    .default('high')
    .describe('A request never gets a higher class than this, whatever it asks for.'),
  ceiling: z
    .enum(ceilings)
    .default('cloud')
    .describe('How far a request may go: this machine (local), its peers (ranch), or a provider (cloud).'),
  models: z
    .array(z.string().min(1).max(500))
    .max(256)
    .nullable()
    .default(null)
    .describe('Models and aliases that may be named; * stands for any text. null: all.'),
  requestsPerMinute: z
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe('Most requests in any minute. null: no limit of its own.'),
  tokensPerMinute: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .nullable()
    .default(null)
    .describe('Most tokens in any minute, prompts and answers together. null: no limit of its own.'),
  concurrency: z
    .int()
    .min(1)
    .max(10_000)
    .nullable()
    .default(null)
    .describe('Most requests that run at the same time. null: no limit of its own.'),
  offload: z
    .enum(offloadModes)
    .nullable()
    .default(null)
    .describe("An offload switch of its own, which never opens what the node has closed. null: the node's."),
  dollarsPerDay: z
    .number()
    .min(0)
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe('Most dollars in a day. null: no limit of its own.'),
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
