import * as z from 'zod';
import { fullPath } from './values.ts';

const upstreamUrl = z
  .string()
  .max(2_000)
  .refine(isUpstreamUrl, 'be an https address, or an http address on this machine or the private network');

/** Plain http goes no further than the private network, and no address carries a password (it would end up in logs). */
function isUpstreamUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  if (username + password + search + hash !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isPrivateHost(hostname));
}

/** Loopback, and the private and link-local ranges (RFC 1918, RFC 4193, RFC 3927); names only where they end in .local or .lan. */
function isPrivateHost(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+|\[::1\]|\[f[cd][0-9a-f:]*\]|[a-z0-9-]+(?:\.local|\.lan))$/i.test(
    host,
  );
}

const upstream = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .describe('Name of the server, of small letters, digits and dashes.'),
  url: upstreamUrl.describe('Its address without /v1, such as http://127.0.0.1:8000.'),
  dialect: z.enum(['openai', 'anthropic', 'ollama']).default('openai').describe('The dialect that it speaks.'),
  enabled: z.boolean().default(true).describe('Whether it is used.'),
  // The key itself never stands in the settings.
  keyFile: fullPath.optional().describe('File that holds its key. Without it and without keyEnv none is sent.'),
  keyEnv: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/)
    .optional()
    .describe("Variable of the node's environment that holds its key, where there is no file with it."),
  models: z
    .array(
      z.strictObject({
        id: z.string().min(1).max(500).describe('The name by which the server knows the model.'),
        contextLength: z.int().min(1).optional().describe('Most tokens that prompt and answer may have together.'),
        capabilities: z
          .array(z.enum(['chat', 'completion', 'embedding', 'tools', 'vision', 'json', 'logprobs']))
          .default(['chat', 'completion', 'tools', 'json'])
          .describe('What it can do.'),
      }),
    )
    .max(1_000)
    .optional()
    .describe('Models that it has. Default: it is asked for its list.'),
  slots: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe(
      'Requests that it works on side by side. Default: what a server of the OpenAI dialect tells at /props, else 1, and 4 where it counts as cloud.',
    ),
  price: z
    .strictObject({
      inputUsd: z.number().min(0).describe('Dollars for a million tokens of the prompt.'),
      outputUsd: z.number().min(0).describe('Dollars for a million tokens of the answer.'),
      cachedInputUsd: z
        .number()
        .min(0)
        .nullable()
        .default(null)
        .describe('Dollars for a million tokens of the prompt that are read from its cache. null: as inputUsd.'),
    })
    .optional()
    .describe('What it costs. A server with a price is cloud, and is asked only if offloading is allowed.'),
});

/** Other servers that answer requests. */
export const upstreamsSection = z
  .array(upstream)
  .max(64)
  .default([])
  .describe(
    'Other servers that answer requests: on this machine they count as local, on the private network as peers, and with a price, or beyond the private network, as cloud.',
  );
