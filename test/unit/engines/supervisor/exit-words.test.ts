import { describe, expect, it } from 'vitest';
import { endedFromOutside, memoryDeath, reasonOf } from '../../../../electron/agent/engines/supervisor/exit-words.ts';

describe('reasonOf', () => {
  it.each([
    [{ code: 3, signal: null }, 'ended by itself with code 3'],
    [{ code: null, signal: 'SIGKILL' }, 'ended by signal SIGKILL (killed from outside)'],
    [{ code: null, signal: 'SIGILL' }, 'ended by signal SIGILL (this processor lacks an instruction that it uses)'],
    [{ code: null, signal: 'SIGUSR2' }, 'ended by signal SIGUSR2'],
    [{ code: 0xc0000017, signal: null }, 'ended by itself with code 0xC0000017 (no memory was left)'],
    [
      { code: 0xc0000135 | 0, signal: null },
      'ended by itself with code 0xC0000135 (a library that it needs is missing)',
    ],
    [{ code: 0xe06d7363, signal: null }, 'ended by itself with code 0xE06D7363'],
    [{ code: null, signal: null }, 'ended for an unknown reason'],
  ])('%j', (end, words) => {
    expect(reasonOf(end)).toBe(words);
  });

  it('knows which signals come from outside', () => {
    expect(endedFromOutside({ code: null, signal: 'SIGTERM' })).toBe(true);
    expect(endedFromOutside({ code: null, signal: 'SIGSEGV' })).toBe(false);
    expect(endedFromOutside({ code: 137, signal: null })).toBe(false);
  });
});

describe('F12 memoryDeath', () => {
  const died = { code: 1, signal: null };

  it.each([
    'ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 17179869184',
    "terminate called after throwing an instance of 'std::bad_alloc'",
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    'Cannot allocate memory',
    'model requires more system memory (6.1 GiB) than is available (3.0 GiB)',
    'llama_model_load: unable to allocate CUDA0 buffer',
  ])('the line "%s" of one that died', (line) => {
    expect(memoryDeath(died, ['loading', line, 'exiting'], false)).toBe(
      'ran out of memory (ended by itself with code 1)',
    );
    expect(memoryDeath({ code: null, signal: 'SIGABRT' }, [line], false)).toContain('ran out of memory');
  });

  it('is none when it ended well, was told to, or said so long before', () => {
    const line = 'failed to allocate buffer';
    expect(memoryDeath({ code: 0, signal: null }, [line], true)).toBeNull();
    expect(memoryDeath({ code: null, signal: 'SIGTERM' }, [line], true)).toBeNull();
    expect(memoryDeath(died, [line, ...Array.from({ length: 20 }, () => 'all is well')], false)).toBeNull();
    expect(memoryDeath(died, ['memory: 3 GB in use', 'no such file'], true)).toBeNull();
  });

  it('a SIGKILL is one only when the system counts a kill for memory', () => {
    const killed = { code: null, signal: 'SIGKILL' };
    expect(memoryDeath(killed, [], true)).toBe('was killed by the system because memory ran out');
    expect(memoryDeath(killed, ['failed to allocate'], false)).toBeNull();
  });

  it('Windows says it by the code alone', () => {
    expect(memoryDeath({ code: 0xc000012d, signal: null }, [], false)).toContain('ran out of memory');
    expect(memoryDeath({ code: 0xc0000005, signal: null }, [], false)).toBeNull();
  });
});
