import { describe, expect, it, vi } from 'vitest';
import { keysLines, limitsText } from '../../../../electron/cli/output/keys-view.ts';
import { makePalette } from '../../../../electron/cli/output/palette.ts';
import { cellWidth } from '../../../../electron/cli/output/text.ts';
import { traceLines } from '../../../../electron/cli/output/trace-view.ts';
import { tracesLines } from '../../../../electron/cli/output/traces-view.ts';
import { policySchema } from '../../../../electron/contract/keys.ts';
import { aKey } from '../../../fixtures/example-key.ts';
import { aCandidate, aTrace } from '../../../fixtures/example-trace.ts';

vi.stubEnv('TZ', 'UTC');

const palette = makePalette(false);
const nowMs = Date.parse('2026-11-22T12:05:00.000Z');
const keysScreen = { columns: 120, palette, nowMs, all: false };

describe('keys', () => {
  it('says what each may do and when it was last used, and hides revoked ones', () => {
    const batch = aKey({
      name: 'batch',
      scope: 'admin',
      policy: policySchema.parse({ priority: 'low', requestsPerMinute: 60 }),
      lastUsedAt: null,
      lastUsedFrom: null,
      requestsTotal: 0,
      tokensTotal: 0,
    });
    const keys = [aKey(), batch, aKey({ name: 'old', revokedAt: '2026-11-21T00:00:00.000Z' })];
    expect(keysLines(keys, keysScreen)).toEqual([
      'Name    Key         Scope      Limits                         Requests     Tokens  Last used',
      'laptop  rh_Ab3dE6…  inference  none                              1,204  2,310,400  5 min 0 s ago from 192.168.1.20',
      'batch   rh_Ab3dE6…  admin      low priority, 60 requests/min         0          0  never',
      '1 revoked key not shown; see them with --all.',
    ]);
    expect(keysLines(keys, { ...keysScreen, all: true }).at(-1)).toContain('revoked');
  });

  it('says who gets in while there is none', () => {
    expect(keysLines([], keysScreen)).toEqual([
      'There is no key: programs of this machine need none. Make one with: ranch-hand keys add NAME',
    ]);
    expect(keysLines([aKey({ revokedAt: '2026-11-21T00:00:00.000Z' })], keysScreen)[0]).toBe(
      'No key is valid, so no program gets in. Make one with: ranch-hand keys add NAME',
    );
  });

  it('names every limit', () => {
    const policy = policySchema.parse({
      defaultModel: 'gemma',
      priority: 'low',
      maxPriority: 'normal',
      ceiling: 'ranch',
      models: ['gemma*', 'ranch/auto'],
      requestsPerMinute: 60,
      tokensPerMinute: 100_000,
      concurrency: 2,
      dollarsPerDay: 1.5,
    });
    expect(limitsText(policy)).toBe(
      'low priority, at most normal priority, no further than the ranch, 60 requests/min, 100,000 tokens/min, ' +
        '2 at once, $1.5/day, only gemma* ranch/auto, default gemma',
    );
  });
});

describe('trace', () => {
  const estimate = aCandidate().estimate ?? undefined;
  const full = aTrace({
    ignored: ['metadata', 'thinking'],
    promptRules: ['attributionLine'],
    saturation: 0.98,
    level: 'saturated',
    cause: '3 requests wait for 2 slots',
    translatedFrom: 'openai',
    candidates: [
      aCandidate(),
      aCandidate({
        upstream: 'ranch-b',
        route: 'peer',
        reason: 'peer-faster',
        sentence: 'It would begin in 900 ms.',
        ...(estimate && { estimate: { ...estimate, waitMs: 400, ttftMs: 900, cachedTokens: 0, lostCacheTokens: 900 } }),
      }),
      aCandidate({
        upstream: 'anthropic',
        model: 'claude',
        route: 'cloud',
        verdict: 'rejected',
        reason: 'offload-off',
        sentence: 'Offloading to the cloud is off.',
        ...(estimate && { estimate: { ...estimate, worstUsd: 0.0312 } }),
      }),
      aCandidate({
        upstream: 'ollama',
        model: null,
        verdict: 'rejected',
        reason: 'lacks-model',
        sentence: 'It does not have falcon3.',
        estimate: null,
      }),
    ],
    attempts: [
      { upstream: 'vllm', model: 'falcon3', atMs: 1, outcome: 'failed', error: 'engine_failed' },
      { upstream: 'llama-server', model: 'falcon3-10b-instruct', atMs: 12, outcome: 'answered', error: null },
    ],
  });

  it('is an account that a person can follow: asked, considered, tried, came of it', () => {
    expect(traceLines(full, { columns: 120, palette })).toEqual([
      'Trace 00000000000000a1  done  HTTP 200 · 2.1 s · 2026-11-22T12:04:58.000Z',
      '',
      'Asked by    the key laptop, from 192.168.1.20',
      'For         ranch/auto · chat, streamed · openai chat-completions',
      'Terms       priority normal · needs chat, tools',
      'Chat        s-1',
      'Evened out  attributionLine',
      'Dropped     metadata, thinking',
      'Node        98 % full · saturated · 3 requests wait for 2 slots',
      '',
      '   Upstream      Model                 Where    Wait  Load     Cached  Prompt  First token  Holds slot  At most',
      '1  llama-server  falcon3-10b-instruct  local    0 ms  0 ms  900/1,200  310 ms       310 ms       4.3 s     free',
      '2  ranch-b       falcon3-10b-instruct  peer   400 ms  0 ms    0/1,200  310 ms       900 ms       4.3 s     free',
      '×  anthropic     claude                cloud    0 ms  0 ms  900/1,200  310 ms       310 ms       4.3 s    $0.03',
      '×  ollama        –                     local       –     –          –       –            –           –        –',
      '',
      '1  llama-server, local-idle: A slot is free, and 900 of 1,200 prompt tokens are in its cache.',
      '2  ranch-b, peer-faster: It would begin in 900 ms. (900 tokens cached elsewhere would be read again.)',
      '×  anthropic, offload-off: Offloading to the cloud is off.',
      '×  ollama, lacks-model: It does not have falcon3.',
      '',
      'after 1 ms  vllm (falcon3) failed with engine_failed',
      'after 12 ms llama-server (falcon3-10b-instruct) answered',
      '',
      'Answered by llama-server, falcon3-10b-instruct · local · local-idle · translated from the openai dialect',
      'Time        0 ms in the queue · first token after 290 ms (310 ms expected) · over after 2.1 s · 17.8 tok/s',
      'Tokens      1,212 in the prompt, 900 of them from the cache · 34 in the answer',
    ]);
  });

  it('tells a refusal: nobody considered, the error, when to come back', () => {
    const refused = aTrace({
      key: null,
      requestedModel: '',
      session: null,
      ceiling: 'local',
      candidates: [],
      attempts: [],
      state: 'failed',
      status: 429,
      error: 'key_limit',
      route: 'none',
      upstream: null,
      model: null,
      reason: 'key-limit',
      ttftMs: null,
      durationMs: 1,
      promptTokens: null,
      cachedTokens: null,
      completionTokens: null,
      tokensPerSecond: null,
      retryAfterS: 12,
    });
    const text = traceLines(refused, { columns: 100, palette }).join('\n');
    expect(text).toContain('Trace 00000000000000a1  key_limit  HTTP 429');
    expect(text).toContain('a program without a key, from 192.168.1.20');
    expect(text).toContain('no model by name · chat');
    expect(text).toContain('this node only');
    expect(text).toContain('Nobody was considered: it was refused before.');
    expect(text).toContain('Answered by nobody · key-limit');
    expect(text).toContain('Come back   after 12 s, it was told');
    expect(text).toContain('Tokens      none were told');
  });

  it('fits a narrow terminal, apart from figures that must stay whole', () => {
    const account = traceLines(full, { columns: 80, palette }).filter((line) => !/^(?: {3}Upstream|[12×] )/.test(line));
    for (const line of account) expect(cellWidth(line), line).toBeLessThanOrEqual(80);
  });

  it('B71 obeys nothing that a name holds', () => {
    const evil = 'x\u001b[31m\u202e\n';
    const trace = aTrace({ requestedModel: evil, key: evil, from: evil, candidates: [aCandidate({ upstream: evil })] });
    for (const line of [
      ...traceLines(trace, { columns: 100, palette }),
      ...tracesLines({ traces: [trace], total: 1 }, 100, palette),
      ...keysLines([aKey({ name: evil, lastUsedFrom: evil })], keysScreen),
    ]) {
      expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    }
  });
});

describe('traces', () => {
  it('lists the latest with what came of them, and how to see older ones', () => {
    const traces = [
      aTrace({ trace: 'b7c1000000000002' }),
      aTrace({
        trace: 'a000000000000001',
        state: 'failed',
        error: 'too_busy',
        model: null,
        upstream: null,
        reason: 'too-busy',
        ttftMs: null,
        completionTokens: null,
        key: null,
      }),
    ];
    expect(tracesLines({ traces, total: 2_313 }, 120, palette)).toEqual([
      'At        Trace     Key     Model                 Upstream      Why         State     First token   Took  Tokens',
      '12:04:58  b7c10000  laptop  falcon3-10b-instruct  llama-server  local-idle  done           290 ms  2.1 s      34',
      '12:04:58  a0000000  –       ranch/auto            –             too-busy    too_busy            –  2.1 s       –',
      '',
      '2 of 2,313 decisions. Older ones: --before a000000000000001',
      'What was decided and why: ranch-hand trace ID',
    ]);
    expect(tracesLines({ traces: [], total: 0 }, 120, palette)).toEqual([
      'No decision fits. Every request that asks a model for something leaves one.',
    ]);
  });
});
