import path from 'node:path';
import type { LoadOptions } from '../engine.ts';

/** What a started Ollama is told; a change needs a new start. */
export interface OwnSettings {
  readonly contextLength: number;
  readonly parallel: number;
  readonly kvType: 'f16' | 'q8_0' | 'q4_0';
}

/** The longest context that is taken without being asked for. */
const automaticContextTokens = 32_768;

/**
 * What it should be started with for a load; what the load leaves open stays as in `settings`. `automatic`: the
 * operator left the context to the engine. Pure.
 */
export function settingsFor(
  { contextLength, parallel, kvType }: LoadOptions,
  settings: OwnSettings,
  automatic: boolean,
): OwnSettings {
  return {
    contextLength:
      automatic && contextLength !== 'auto' ? Math.min(contextLength, automaticContextTokens) : settings.contextLength,
    parallel: parallel === 'auto' ? settings.parallel : parallel,
    kvType: kvType ?? settings.kvType,
  };
}

/** Whether a start with the one would be no other than with the other. */
export function sameSettings(a: OwnSettings, b: OwnSettings): boolean {
  return a.contextLength === b.contextLength && a.parallel === b.parallel && a.kvType === b.kvType;
}

export interface OwnEnvironmentOptions {
  readonly port: number;
  readonly settings: OwnSettings;
  readonly modelsDir: string;
  /** A folder of its own, for the key it makes itself: it never sees the operator's home. */
  readonly home: string;
  readonly nonce: string;
  /** What any program of this system needs to run; see `bareEnvironment`. */
  readonly bare: Readonly<Record<string, string>>;
  /** The agent's proxies, so that its pulls go where the operator's do. */
  readonly proxies: Readonly<Record<string, string>>;
  readonly platform: NodeJS.Platform;
}

/** The whole environment of an Ollama that this node starts, built from empty. */
export function ownEnvironment(options: OwnEnvironmentOptions): Record<string, string> {
  const { settings, home } = options;
  return {
    ...options.bare,
    ...options.proxies,
    // Ollama does not start without a home; on Windows it looks at these two.
    ...(options.platform === 'win32' ? { USERPROFILE: home, LOCALAPPDATA: home } : { HOME: home }),
    OLLAMA_HOST: `127.0.0.1:${options.port}`,
    OLLAMA_MODELS: options.modelsDir,
    OLLAMA_NO_CLOUD: '1',
    // The library may be the operator's own: nothing in it is tidied away unasked.
    OLLAMA_NOPRUNE: '1',
    OLLAMA_NUM_PARALLEL: String(settings.parallel),
    OLLAMA_CONTEXT_LENGTH: String(settings.contextLength),
    // Keys and values in fewer bits work with flash attention only.
    ...(settings.kvType !== 'f16' && { OLLAMA_KV_CACHE_TYPE: settings.kvType, OLLAMA_FLASH_ATTENTION: '1' }),
    // What is unloaded, and when, is decided by the node for all its engines.
    OLLAMA_KEEP_ALIVE: '-1',
    OLLAMA_MAX_QUEUE: '512',
    OLLAMA_LOAD_TIMEOUT: '30m',
    // Its web server otherwise lists all its routes at each start.
    GIN_MODE: 'release',
    RANCH_HAND_NONCE: options.nonce,
  };
}

const proxyNames = ['HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy'];

/** The proxies of an environment, without those that carry a password: what an engine leaks must be worth nothing. */
export function proxiesOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    proxyNames.flatMap((name) => {
      const value = env[name];
      return value === undefined || value === '' || value.includes('@') ? [] : [[name, value]];
    }),
  );
}

/** Where an Ollama of this user keeps its models unless it is told otherwise; null where there is no home. */
export function usualModelsDir(env: Readonly<Record<string, string | undefined>>): string | null {
  if (env['OLLAMA_MODELS']) return env['OLLAMA_MODELS'];
  const home = env['HOME'] ?? env['USERPROFILE'];
  return home ? path.join(home, '.ollama', 'models') : null;
}

const gib = 2 ** 30;

/** The context to start with before any model's own need is known: keys and values must not take the whole memory. */
export function automaticContext(memoryBytes: number): number {
  if (memoryBytes < 12 * gib) return 8_192;
  return memoryBytes < 28 * gib ? 16_384 : automaticContextTokens;
}
