import { isAbsolute } from 'node:path';
import * as z from 'zod';
import { cloudSettingsSchema } from '../../contract/cloud.ts';
import { meansPath } from '../../contract/control.ts';
import { policySchema } from '../../contract/keys.ts';
import { priorities } from '../../contract/routing.ts';

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
const kvType = z.enum(['f16', 'q8_0', 'q4_0']);
const threads = z.union([automatic, z.int().min(1).max(1_024)]).default('auto');
/** An engine that is used as it is answers on this machine: peers and providers are reached in other ways. */
const engineUrl = z
  .string()
  .max(2_000)
  .refine(isLoopbackUrl, 'be an address on this machine, such as http://127.0.0.1:11434')
  .nullable()
  .default(null);

function isLoopbackUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, pathname, search, hash } = new URL(text);
  const isHere = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  return protocol === 'http:' && isHere && username + password + search + hash === '' && pathname === '/';
}

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
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  /** Without /v1, such as http://127.0.0.1:8000. */
  url: upstreamUrl,
  dialect: z.enum(['openai', 'anthropic', 'ollama']).default('openai'),
  enabled: z.boolean().default(true),
  /** File that holds the key, or the environment variable that does. The key itself never stands in the settings. */
  keyFile: fullPath.optional(),
  keyEnv: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/)
    .optional(),
  /** Models it has. Left out: it is asked for its list. */
  models: z
    .array(
      z.strictObject({
        id: z.string().min(1).max(500),
        contextLength: z.int().min(1).optional(),
        capabilities: z
          .array(z.enum(['chat', 'completion', 'embedding', 'tools', 'vision', 'json', 'logprobs']))
          .default(['chat', 'completion', 'tools', 'json']),
      }),
    )
    .max(1_000)
    .optional(),
  /** Requests it works on side by side. */
  slots: z.int().min(1).max(10_000).default(4),
  /** Dollars for a million tokens; what has a price is cloud, and is asked only if offloading is allowed. */
  price: z
    .strictObject({
      inputUsd: z.number().min(0),
      outputUsd: z.number().min(0),
      cachedInputUsd: z.number().min(0).nullable().default(null),
    })
    .optional(),
});
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
        .describe('More names by which callers on the network address this machine.'),
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
      default: z
        .string()
        .min(1)
        .max(4_096)
        .refine((text) => text === '' || !meansPath(text) || isAbsolute(text), 'be a name or a full path')
        .nullable()
        .default(null)
        .describe(
          'The model for callers who name none: its name, or the path of a GGUF file. Default: what the first engine that runs has.',
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
        .describe(
          'Whether a model that was loaded is asked a few short questions, to find what would ruin its answers.',
        ),
      warm: z
        .array(z.string().min(1).max(500))
        .max(8)
        .default([])
        .describe('Models whose files are read ahead while the node is idle, so that a switch to them is quick.'),
      options: z
        .record(
          z.string().min(1).max(500),
          z.strictObject({
            contextLength: z.union([automatic, z.int().min(256).max(10_000_000)]).optional(),
            parallel: z.union([automatic, z.int().min(1).max(64)]).optional(),
            kvType: kvType.optional(),
            keepAliveMinutes: z.number().min(0).max(525_600).nullable().optional(),
            preload: z.boolean().optional(),
            pinned: z.boolean().optional(),
          }),
        )
        .default({})
        .describe(
          'Options of single models by name: contextLength, parallel, kvType, keepAliveMinutes, preload, pinned.',
        ),
    })
    .prefault({}),
  engines: z
    .object({
      embedded: z
        .object({
          enabled: z
            .boolean()
            .default(true)
            .describe('Whether the embedded engine may run, when no other one answers.'),
          contextLength: z
            .union([automatic, z.int().min(256).max(1_048_576)])
            .default('auto')
            .describe('Tokens of context for each slot. "auto" takes what the model was trained on, up to 8192.'),
          parallel: z
            .union([automatic, z.int().min(1).max(64)])
            .default('auto')
            .describe('Answers generated side by side.'),
          threads: threads.describe('Threads that compute. "auto" takes the usable cores.'),
        })
        .prefault({}),
      ollama: z
        .object({
          enabled: z
            .boolean()
            .default(true)
            .describe('Whether an Ollama that runs is used, and one on PATH is started.'),
          url: engineUrl.describe('Address of an Ollama that runs. Default: OLLAMA_HOST, then http://127.0.0.1:11434.'),
          path: fullPath.nullable().default(null).describe('The ollama program to start. Default: the one on PATH.'),
          modelsDir: fullPath
            .nullable()
            .default(null)
            .describe('Where an Ollama that this node starts keeps its models. Default: its own usual place.'),
          contextLength: z
            .union([automatic, z.int().min(256).max(10_000_000)])
            .default('auto')
            .describe('Tokens of context. "auto" takes what fits, up to 32768.'),
          parallel: z.int().min(1).max(64).default(1).describe('Answers generated side by side, by each model.'),
          kvType: kvType.default('f16').describe('How keys and values are kept: f16, q8_0 or q4_0.'),
          allowCallerReload: z
            .boolean()
            .default(false)
            .describe('Whether callers may send options, such as num_ctx, that make Ollama load the model anew.'),
        })
        .prefault({}),
      llamaServer: z
        .object({
          enabled: z.boolean().default(true).describe('Whether llama-server is used.'),
          url: engineUrl.describe('Address of a llama-server that runs and is used as it is.'),
          keyFile: fullPath.nullable().default(null).describe('File with the key of the llama-server at that address.'),
          path: fullPath
            .nullable()
            .default(null)
            .describe('The llama-server program to start. Default: the one on PATH.'),
          contextLength: z
            .union([automatic, z.int().min(256).max(10_000_000)])
            .default('auto')
            .describe('Tokens of context for each slot. "auto" takes what fits, up to 32768.'),
          parallel: z
            .union([automatic, z.int().min(1).max(64)])
            .default('auto')
            .describe('Answers generated side by side.'),
          threads: threads.describe('Threads that compute. "auto" takes the physical cores.'),
          kvType: kvType.default('f16').describe('How keys and values are kept: f16, q8_0 or q4_0.'),
          allowOld: z
            .boolean()
            .default(false)
            .describe('Whether a build with known memory corruption may run all the same.'),
        })
        .prefault({}),
      bitnet: z
        .object({
          enabled: z.boolean().default(true).describe('Whether bitnet.cpp is used.'),
          url: engineUrl.describe('Address of a bitnet.cpp server that runs and is used as it is.'),
          path: fullPath
            .nullable()
            .default(null)
            .describe('The llama-server program of bitnet.cpp. Default: the one that Ranch Hand installed.'),
          contextLength: z
            .union([automatic, z.int().min(256).max(1_048_576)])
            .default('auto')
            .describe('Tokens of context. "auto" takes what the model was trained on, up to 4096.'),
          threads: threads.describe('Threads that compute. "auto" takes the physical cores.'),
          oneConversation: z
            .boolean()
            .default(false)
            .describe('Whether its process is started anew for each request: some builds die on a second message.'),
        })
        .prefault({}),
    })
    .prefault({}),
  names: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}$/), z.union([z.string().min(1).max(500), persona]))
    .default({})
    .describe(
      'Names of your own for callers: another name for a model, or a persona that joins a model, a system prompt, sampling and limits.',
    ),
  upstreams: z
    .array(upstream)
    .max(64)
    .default([])
    .describe(
      'Other servers that answer requests: on this machine they count as local, on the network as peers, and with a price as cloud.',
    ),
  cloud: cloudSettingsSchema.prefault({}),
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
