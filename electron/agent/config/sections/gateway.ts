import * as z from 'zod';
import { port } from './values.ts';

/** Where callers are served, and how long they wait. */
export const gatewaySection = z
  .object({
    host: z
      .enum(['127.0.0.1', '::1'])
      .default('127.0.0.1')
      .describe(
        'Loopback address of the gateway. Whether it listens on the network too is the setting gateway.listen.',
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
    listen: z
      .enum(['loopback', 'lan'])
      .default('loopback')
      .describe(
        '"loopback": programs of this machine only. "lan": the network too, with a key of every caller; while there is none the node serves its own machine, and it moves to the network when the first one is made.',
      ),
    names: z
      .array(z.string().regex(/^[A-Za-z0-9._-]{1,253}$/))
      .max(32)
      .default([])
      .describe(
        'More names by which callers address this machine, with any port or none: a proxy in front of it keeps the one that its own callers used.',
      ),
    goalMs: z
      .int()
      .min(100)
      .max(600_000)
      .default(2_000)
      .describe(
        'The first token should come within this time, in milliseconds. A request that would have to wait longer here is sent to where it would not, if that is allowed.',
      ),
    maxWaitMs: z
      .int()
      .min(0)
      .max(3_600_000)
      .default(60_000)
      .describe(
        'Longest time that a request may wait for a slot, in milliseconds. One that would wait longer is refused at once, with the time to come back.',
      ),
    maxRoutineWaitMs: z
      .int()
      .min(0)
      .max(86_400_000)
      .default(600_000)
      .describe('The same for requests of low priority, in milliseconds.'),
    slots: z
      .record(z.string().min(1).max(200), z.int().min(1).max(1_024))
      .default({})
      .describe('Requests that single engines work on side by side, by id, where they do not tell it rightly.'),
    maxOutputTokens: z
      .int()
      .min(16)
      .max(10_000_000)
      .default(8_192)
      .describe('Longest answer of a caller who names no limit, in tokens.'),
    promptRules: z
      .object({
        attributionLine: z
          .boolean()
          .default(true)
          .describe('Whether the line by which a program tags each conversation is left out.'),
        tokenCountdown: z.boolean().default(true).describe('Whether countdowns of tokens left are left out.'),
        toolOrder: z.boolean().default(true).describe('Whether tools are put into one order.'),
      })
      .prefault({})
      .describe(
        'What is evened out in prompts for local engines, so that their caches can be used again. Prompts to cloud providers are never changed.',
      ),
    tracesKept: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(10_000)
      .describe('Decisions whose reasons are kept. They never hold any text of a request or an answer.'),
  })
  .prefault({});
