import * as z from 'zod';
import { ceilings, priorities } from './routing.ts';

/** What the router expected of a candidate. Times are milliseconds, from the moment of the decision. */
export const estimateSchema = z.object({
  /** Until a slot is free. */
  waitMs: z.number(),
  /** Until the model is in memory; 0 when it is. */
  loadMs: z.number(),
  /** Reading the part of the prompt that is not cached. */
  prefillMs: z.number(),
  /** The sum: until the first token. */
  ttftMs: z.number(),
  /** How long the request holds its slot. */
  serviceMs: z.number(),
  promptTokens: z.number(),
  cachedTokens: z.number(),
  /** Tokens of a cache elsewhere that going here throws away. */
  lostCacheTokens: z.number(),
  /** What it costs in dollars to write that cache again; left out where nothing. */
  lostCacheUsd: z.number().optional(),
  /** Dollars at most; 0 for what costs nothing. */
  worstUsd: z.number(),
  /** Of `ttftMs`, what is no more than a guess, for nothing was measured there yet; left out where nothing is. */
  guessedMs: z.number().optional(),
});
export type Estimate = z.infer<typeof estimateSchema>;

export const traceCandidateSchema = z.object({
  upstream: z.string(),
  /** Null where the upstream does not have the model. */
  model: z.string().nullable(),
  route: z.enum(['local', 'peer', 'cloud']),
  verdict: z.enum(['planned', 'rejected']),
  /** A code: of `routeReasons` when planned, of the router's own list when rejected. */
  reason: z.string(),
  /** Why, for a person. */
  sentence: z.string(),
  estimate: estimateSchema.nullable(),
});

export const traceAttemptSchema = z.object({
  upstream: z.string(),
  model: z.string(),
  /** From the request's arrival, milliseconds. */
  atMs: z.number(),
  outcome: z.enum(['answered', 'failed', 'skipped']),
  /** Error code when it failed. */
  error: z.string().nullable(),
});

/** One decision with its reasons, its estimates, and what came of it. Never any text of the request or the answer. */
export const traceSchema = z.object({
  /** The id in the X-Ranch-Trace header. */
  trace: z.string(),
  at: z.string(),
  dialect: z.enum(['openai', 'anthropic', 'ollama']),
  /** Which of the dialect's routes, such as chat-completions. */
  surface: z.string(),
  operation: z.enum(['chat', 'completion', 'embedding', 'speech']),
  stream: z.boolean(),
  /** As the caller named it. */
  requestedModel: z.string(),
  persona: z.string().nullable(),
  /** Name of the key; null for callers without one. */
  key: z.string().nullable(),
  /** Address of the caller. */
  from: z.string(),
  priority: z.enum(priorities),
  ceiling: z.enum(ceilings),
  /** Of the chat that it belongs to, made up by this node; null where it belongs to none. */
  session: z.string().nullable(),
  /** Names of the rules that changed the prompt for a local engine. */
  promptRules: z.array(z.string()),
  ignored: z.array(z.string()),
  needs: z.array(z.string()),
  candidates: z.array(traceCandidateSchema),
  attempts: z.array(traceAttemptSchema),
  /** What the node looked like when it decided. */
  saturation: z.number(),
  level: z.string(),
  cause: z.string(),
  // What came of it.
  state: z.enum(['done', 'failed', 'aborted']),
  status: z.number().nullable(),
  error: z.string().nullable(),
  route: z.enum(['local', 'peer', 'cloud', 'none']),
  upstream: z.string().nullable(),
  model: z.string().nullable(),
  reason: z.string(),
  /** Whether the upstream's own bytes were passed on, or the answer was translated from its dialect. */
  translatedFrom: z.enum(['openai', 'anthropic', 'ollama']).nullable(),
  queuedMs: z.number(),
  ttftMs: z.number().nullable(),
  durationMs: z.number(),
  promptTokens: z.number().nullable(),
  cachedTokens: z.number().nullable(),
  completionTokens: z.number().nullable(),
  tokensPerSecond: z.number().nullable(),
  /** Prompt tokens that a provider wrote into its cache, and tokens of thinking, where they are told. */
  cacheWriteTokens: z.number().nullable().default(null),
  reasoningTokens: z.number().nullable().default(null),
  /** Dollars over all tries; 0 for what cost nothing. */
  costUsd: z.number().default(0),
  retryAfterS: z.number().nullable(),
});
export type Trace = z.infer<typeof traceSchema>;
export type TraceCandidate = z.infer<typeof traceCandidateSchema>;
export type TraceAttempt = z.infer<typeof traceAttemptSchema>;

/** A chat that the gateway keeps on its node and slot, and how much of its prompts the cache held. */
export const sessionRowSchema = z.object({
  id: z.string(),
  /** Name of the key; null for callers without one. */
  key: z.string().nullable(),
  upstream: z.string(),
  model: z.string(),
  requests: z.number(),
  lastAt: z.string(),
  promptTokens: z.number(),
  /** Of `promptTokens`, by the engine's own count; null where it does not tell. */
  cachedTokens: z.number().nullable(),
});
export type SessionRow = z.infer<typeof sessionRowSchema>;
