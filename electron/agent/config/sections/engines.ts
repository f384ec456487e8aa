import * as z from 'zod';
import { automatic, fullPath, kvType } from './values.ts';

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

const embedded = z
  .object({
    enabled: z.boolean().default(true).describe('Whether the embedded engine may run, when no other one answers.'),
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
  .prefault({});

const ollama = z
  .object({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether an Ollama that runs is used, and one that is installed is started.'),
    url: engineUrl.describe('Address of an Ollama that runs. Default: OLLAMA_HOST, then http://127.0.0.1:11434.'),
    path: fullPath
      .nullable()
      .default(null)
      .describe(
        'The ollama program to start. Default: the one that Ranch Hand installed, else the one on PATH or in a usual folder.',
      ),
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
  .prefault({});

const llamaServer = z
  .object({
    enabled: z.boolean().default(true).describe('Whether llama-server is used.'),
    url: engineUrl.describe('Address of a llama-server that runs and is used as it is.'),
    keyFile: fullPath.nullable().default(null).describe('File with the key of the llama-server at that address.'),
    path: fullPath
      .nullable()
      .default(null)
      .describe(
        'The llama-server program to start. Default: the one that Ranch Hand installed, else the one on PATH or in a usual folder.',
      ),
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
    allowOld: z.boolean().default(false).describe('Whether a build with known memory corruption may run all the same.'),
  })
  .prefault({});

const bitnet = z
  .object({
    enabled: z.boolean().default(true).describe('Whether bitnet.cpp is used.'),
    url: engineUrl.describe('Address of a bitnet.cpp server that runs and is used as it is.'),
    path: fullPath
      .nullable()
      .default(null)
      .describe(
        'The llama-server program of bitnet.cpp. Default: the one that Ranch Hand installed, else that of ~/BitNet.',
      ),
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
  .prefault({});

/** The programs that run models. */
export const enginesSection = z.object({ embedded, ollama, llamaServer, bitnet }).prefault({});
