import { describe, expect, it } from 'vitest';
import {
  flagsOf,
  listsNoDevice,
  llamaServerArguments,
  resolveLoad,
  spareMemory,
  type LoadDefaults,
} from '../../../../electron/agent/engines/llama-server/command-line.ts';
import { bitnetArguments } from '../../../../electron/agent/engines/bitnet/bitnet-kind.ts';

const machine = { physicalCores: 8, logicalCores: 16 };
const defaults: LoadDefaults = {
  contextLength: 'auto',
  parallel: 'auto',
  threads: 'auto',
  kvType: 'f16',
  automaticContext: 32_768,
};
const auto = { contextLength: 'auto', parallel: 'auto', kvType: null } as const;
const file = (contextLength: number | null) => ({
  header: null,
  shape:
    contextLength === null
      ? null
      : {
          architecture: 'llama',
          sizeBytes: 1,
          parameters: 1,
          activeShare: 1,
          layers: [],
          embeddingLength: 1,
          vocabularySize: 1,
          contextLength,
        },
});

describe('resolveLoad', () => {
  it('takes what was asked, then the settings, then the model and the machine', () => {
    expect(resolveLoad(auto, defaults, file(131_072), machine)).toEqual({
      contextLength: 32_768,
      parallel: 4,
      kvType: 'f16',
      threads: 7,
    });
    expect(resolveLoad(auto, defaults, file(2_048), machine).contextLength).toBe(2_048);
    expect(resolveLoad(auto, defaults, file(null), machine).contextLength).toBe(4_096);
    const set = { ...defaults, contextLength: 8_192, parallel: 2, threads: 3, kvType: 'q8_0' } as const;
    expect(resolveLoad(auto, set, file(2_048), machine)).toEqual({
      contextLength: 8_192,
      parallel: 2,
      kvType: 'q8_0',
      threads: 3,
    });
    const asked = { contextLength: 512, parallel: 1, kvType: 'q4_0' } as const;
    expect(resolveLoad(asked, set, file(2_048), machine)).toMatchObject(asked);
  });
});

describe('llamaServerArguments', () => {
  const load = { contextLength: 1_000, parallel: 3, kvType: 'q8_0', threads: 4 } as const;
  const spare = { wholeWindow: false, promptCacheMiB: 700 };
  const site = { port: 4_321, keyFile: '/run/k.key', spare, processorOnly: true, knows: () => true };
  const model = { id: 'm', path: '/m/a b.gguf', embedsOnly: false };

  it('keeps it on this machine behind a key, and gives each slot its whole context', () => {
    const words = llamaServerArguments(model, load, site);
    const after = (flag: string): string | undefined => words[words.indexOf(flag) + 1];
    expect(after('--host')).toBe('127.0.0.1');
    expect(after('--port')).toBe('4321');
    expect(after('--api-key-file')).toBe('/run/k.key');
    expect(after('--ctx-size')).toBe('3000');
    expect(after('--model')).toBe('/m/a b.gguf');
    expect(after('--cache-type-v')).toBe('q8_0');
    expect(after('--cache-ram')).toBe('700');
    expect(words).not.toContain('--swa-full');
    for (const forbidden of [
      '--rpc',
      '--sleep-idle-seconds',
      '--tools',
      '--agent',
      '--media-path',
      '--api-key',
      '--props',
    ])
      expect(words).not.toContain(forbidden);
  });

  it('gives an older program no flag that it does not know', () => {
    const help = '-c,    --ctx-size N    size\n--host HOST   ip\n--no-slots\n         --not-a-flag-but-a-word';
    const flags = flagsOf(help);
    expect([...flags]).toEqual(expect.arrayContaining(['-c', '--ctx-size', '--host', '--no-slots']));
    const words = llamaServerArguments(model, load, { ...site, knows: (flag) => flags.has(flag) });
    expect(words).not.toContain('--cache-ram');
    expect(words).not.toContain('--api-key-file');
  });

  it('keeps whole prompts where memory allows', () => {
    const site = {
      port: 1,
      keyFile: '/k',
      spare: { wholeWindow: true, promptCacheMiB: 1 },
      processorOnly: false,
      knows: () => true,
    };
    expect(llamaServerArguments(model, load, site)).toContain('--swa-full');
  });

  it('reads prompts in small steps on a processor, so that a caller who leaves frees the slot soon', () => {
    expect(llamaServerArguments(model, load, site).join(' ')).toContain('--batch-size 128');
    expect(llamaServerArguments(model, load, { ...site, processorOnly: false })).not.toContain('--batch-size');
    expect(listsNoDevice('Available devices:\n  (none)\n')).toBe(true);
    expect(listsNoDevice('Available devices:\n')).toBe(true);
    expect(listsNoDevice('x\nAvailable devices:\n  CUDA0: NVIDIA RTX (24576 MiB, 23000 MiB free)\n')).toBe(false);
    expect(listsNoDevice('error: unknown argument')).toBe(false);
  });

  it('lets a model for embeddings read a whole text at once, in its own way', () => {
    const words = llamaServerArguments({ ...model, embedsOnly: true }, load, site);
    expect(words).toContain('--ubatch-size');
    expect(words).not.toContain('--pooling');
  });
});

describe('spareMemory', () => {
  const gibibyte = 2 ** 30;
  const layer = { kvHeads: 1, keyLength: 256, valueLength: 256, stateBytes: 0 };
  const shape = {
    architecture: 'gemma3',
    sizeBytes: gibibyte,
    parameters: 1,
    activeShare: 1,
    layers: [...Array.from({ length: 15 }, () => ({ ...layer, window: 512 })), { ...layer, window: null }],
    embeddingLength: 640,
    vocabularySize: 32_000,
    contextLength: 32_768,
  };
  const load = { contextLength: 32_768, parallel: 4, kvType: 'f16', threads: 2 } as const;

  it('keeps whole prompts of a model with windows only where half of what is left holds them', () => {
    expect(spareMemory({ shape }, load, 16 * gibibyte)).toEqual({ wholeWindow: true, promptCacheMiB: 4_096 });
    // 1.9 GiB for the other 15 layers do not go into half of what is left.
    expect(spareMemory({ shape }, load, 4 * gibibyte)).toMatchObject({ wholeWindow: false });
    const seesAll = { ...shape, layers: [{ ...layer, window: null }] };
    expect(spareMemory({ shape: seesAll }, load, 64 * gibibyte).wholeWindow).toBe(false);
  });

  it('gives prompts without a slot a share of what is left, with bounds', () => {
    const seesAll = { ...shape, layers: [{ ...layer, window: null }] };
    const at = (freeBytes: number): number => spareMemory({ shape: seesAll }, load, freeBytes).promptCacheMiB;
    expect(at(0)).toBe(128);
    expect(at(3 * gibibyte)).toBeGreaterThan(512);
    expect(at(3 * gibibyte)).toBeLessThan(1_024);
    expect(at(64 * gibibyte)).toBe(4_096);
    expect(spareMemory({ shape: null }, load, 64 * gibibyte)).toEqual({ wholeWindow: false, promptCacheMiB: 512 });
  });
});

describe('bitnetArguments', () => {
  const load = { contextLength: 4_096, parallel: 1, kvType: 'f16', threads: 6 } as const;

  it('are those of its own script, with our address and threads', () => {
    const words = bitnetArguments({ id: 'm', path: '/m/a.gguf' }, load, { port: 1, keyFile: '/k', flags: new Set() });
    expect(words.join(' ')).toBe('-m /m/a.gguf -c 4096 -t 6 -np 1 -ngl 0 -cb --host 127.0.0.1 --port 1');
  });

  it('have a key where the program knows keys', () => {
    const flags = new Set(['--api-key-file']);
    const words = bitnetArguments({ id: 'm', path: '/m/a.gguf' }, load, { port: 1, keyFile: '/k', flags });
    expect(words.slice(-2)).toEqual(['--api-key-file', '/k']);
  });
});
