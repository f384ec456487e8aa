import { describe, expect, it, vi } from 'vitest';
import { activityLines } from '../../../../electron/cli/output/activity-view.ts';
import { enginesLines } from '../../../../electron/cli/output/engines-view.ts';
import { logText } from '../../../../electron/cli/output/log-view.ts';
import { modelsLines } from '../../../../electron/cli/output/models-view.ts';
import { makePalette, wantsColour } from '../../../../electron/cli/output/palette.ts';
import { settingsLines } from '../../../../electron/cli/output/settings-view.ts';
import { fitLines } from '../../../../electron/cli/output/fit-view.ts';
import { modelDetailLines } from '../../../../electron/cli/output/model-detail-view.ts';
import { pullLines, pullProgress } from '../../../../electron/cli/output/pull-view.ts';
import { line } from '../../../../electron/cli/output/spans.ts';
import { statusLines } from '../../../../electron/cli/output/status-view.ts';
import { table } from '../../../../electron/cli/output/table.ts';
import { cellWidth } from '../../../../electron/cli/output/text.ts';
import { variantLines } from '../../../../electron/cli/output/variants-view.ts';
import type { SettingRow } from '../../../../electron/contract/control.ts';
import { aFit, aModel, aNode, anEngine, aPull, aRequest, aSpeed, aSwitch, lookedAtMs } from '../node-snapshot.ts';

vi.stubEnv('TZ', 'UTC');

const palette = makePalette(false);
const screen = { columns: 80, palette, nowMs: lookedAtMs };

describe('status', () => {
  it('says who, in what state, with what, how fast, what is left', () => {
    expect(statusLines(aNode(), screen)).toEqual([
      'logos-prime  ● serving                           ranch-hand 0.1.0 · up 5 min 0 s',
      'Answering 2 requests with falcon3-10b-instruct.',
      '',
      'Engine      embedded  ready for 4 min 30 s · 2 of 4 slots busy · 4.5 GB',
      'Model       falcon3-10b-instruct · i2_s · 3.9 GB · context 32,768',
      'Speed       35.6 tok/s      ▁▃▆█                  first token 210 ms',
      'CPU         62 %            ████████████░░░░░░░░  4 cores · load 2.50 1.25 0.75',
      'RAM         41 of 96 GB     █████████░░░░░░░░░░░  engines 4.5 GB · free 55 GB',
      'Waiting for CPU 3 % · memory 0 % · disk 0 % of the time',
      'Saturation  50 %            ██████████░░░░░░░░░░  busy',
      'Requests    2 running       1 waiting · 1,300 so far · 2 failed',
      'Offload     off',
      'Gateway     http://127.0.0.1:8080',
      '',
      'Last      Model                 Why         State  Tokens  Tok/s   Took',
      '12:04:58  falcon3-10b-instruct  local-idle  done       34   17.8  2.1 s',
    ]);
  });

  it('tells what fills the node most from where that matters, on any terminal', () => {
    const saturationCause = 'heat or power limits take 68 % of the processor’s speed';
    const gateway = { ...aNode().gateway, saturation: 0.93, saturationCause };
    const lines = statusLines(aNode({ gateway }), screen);
    const at = lines.indexOf('Saturation  93 %            ███████████████████░  busy');
    expect(lines[at + 1]).toBe(`            ${saturationCause}`);
    for (const columns of [40, 60]) {
      const narrow = statusLines(aNode({ gateway }), { ...screen, columns, rows: 24 });
      expect(narrow.map((text) => text.trim()).join(' ')).toContain(saturationCause);
      expect(narrow.findLast((text) => text.startsWith('Gateway'))).toBeDefined();
    }
    const calm = { ...gateway, level: 'calm' as const };
    expect(statusLines(aNode({ gateway: calm }), screen).join(' ')).not.toContain(saturationCause);
    const node = { ...aNode().node, sentence: `Saturated: ${saturationCause}.` };
    expect(statusLines(aNode({ node, gateway }), screen).join(' ').split(saturationCause)).toHaveLength(2);
  });

  it('shows notices with what to do, before the last requests', () => {
    const notices = [
      {
        id: 'self-test-model',
        severity: 'warning' as const,
        sentence: 'This node answers with the self-test model.',
        since: '2026-11-22T12:00:00.000Z',
        fix: { kind: 'path' as const, label: 'Put a GGUF file into', path: '/data/models' },
      },
    ];
    const lines = statusLines(aNode({ notices }), screen);
    const at = lines.indexOf('! This node answers with the self-test model.');
    expect(lines[at + 1]).toBe('  Put a GGUF file into: /data/models');
    expect(lines.findIndex((text) => text.startsWith('Last'))).toBeGreaterThan(at);
  });

  it('explains an engine that is not ready in its own words', () => {
    const engines = [
      anEngine({ state: 'failed', sentence: 'It ended five times. Read its log.', slots: { total: 0, busy: 0 } }),
    ];
    const lines = statusLines(aNode({ engines }), screen);
    expect(lines).toContain('            It ended five times. Read its log.');
  });

  it('fits any terminal', () => {
    const long = 'x'.repeat(300);
    const node = aNode({
      node: { ...aNode().node, name: long, sentence: `${long} and ${long}` },
      engines: [anEngine({ id: long, state: 'backoff', sentence: long })],
      models: [aModel({ id: long })],
      activity: Array.from({ length: 50 }, () => aRequest({ model: long, reason: long, error: long, state: 'failed' })),
    });
    for (const columns of [60, 80, 132]) {
      const lines = statusLines(node, { ...screen, columns, rows: 24 });
      expect(Math.max(...lines.map(cellWidth))).toBeLessThanOrEqual(columns);
      expect(lines.length).toBeLessThanOrEqual(24);
    }
  });

  it('B71 shows hostile names without what a terminal would obey', () => {
    const evil = '\u001b[2J\u001b]0;owned\u0007\u202egpj\r\n';
    const node = aNode({
      node: { ...aNode().node, name: evil, sentence: evil, version: evil },
      engines: [anEngine({ id: evil, sentence: evil, state: 'failed' })],
      models: [aModel({ id: evil, quantization: evil })],
      activity: [aRequest({ model: evil, reason: evil, error: evil, state: 'failed' })],
      notices: [
        {
          id: evil,
          severity: 'problem',
          sentence: evil,
          since: '2026-11-22T12:00:00.000Z',
          fix: { kind: 'terminal', label: evil, line: evil },
        },
      ],
      mesh: { listening: true, reachable: true, peers: [{ id: evil, name: evil, state: evil }] },
      gateway: { ...aNode().gateway, saturationCause: evil },
    });
    const lines = [
      ...statusLines(node, screen),
      ...modelsLines([aModel({ id: evil, problem: evil, quantization: evil })], evil, 80, palette),
      ...modelsLines([], evil, 80, palette),
      ...enginesLines(
        [
          anEngine({
            id: evil,
            model: evil,
            state: 'failed',
            sentence: evil,
            lastExit: { at: evil, code: 1, signal: null, reason: evil, lastLines: [evil] },
          }),
        ],
        lookedAtMs,
        80,
        palette,
      ),
      ...settingsLines(
        [{ key: evil, value: evil, valueAfterRestart: [evil], defaultValue: evil, origin: 'config.json' }],
        80,
        palette,
      ),
      logText({ at: evil, stream: 'stderr', text: evil }, palette),
    ];
    for (const text of lines) expect(text).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });
});

describe('models in detail', () => {
  const answer = {
    ramBytes: 96 * 1024 ** 3,
    bandwidthBytesPerS: 62e9,
    bandwidthOrigin: 'given' as const,
    rows: [
      { id: 'falcon3', name: 'Falcon3', quantization: 'i2_s', installed: true, sizeBytes: 4e9, fit: aFit() },
      {
        id: 'big',
        name: 'Big',
        quantization: null,
        installed: false,
        sizeBytes: 90e9,
        fit: aFit({ verdict: 'too-big', sentence: 'Needs 108 GB, 41 are free.', measured: false, parallel: 2 }),
      },
    ],
  };

  it('fit: every term in a column, and why something does not', () => {
    const lines = fitLines(answer, 200, palette);
    expect(lines[0]).toBe('For 96 GB of memory and 62.0 GB/s of memory bandwidth (given):');
    expect(lines[3]).toMatch(
      /^falcon3 +i2_s +3\.9 GB +512 MB +300 MB +1 GB +5\.7 GB +8,192 +32,768 +18\.0\* +140 +fits$/,
    );
    expect(lines[4]).toMatch(/8,192 × 2 .* too big$/);
    expect(lines).toContain('! big: Needs 108 GB, 41 are free.');
    expect(fitLines({ ...answer, rows: [] }, 80, palette).at(-1)).toMatch(/No such model/);
  });

  it('variants: side by side, with quality, its source, and how to have each', () => {
    const base = { loaded: false, sizeBytes: 5e9, bitsPerWeight: 4.89, fit: aFit({ measured: false }) };
    const quality = {
      perplexityPercent: 2.8,
      sameTopTokenPercent: 91.9,
      sentence: 'Hardly any loss.',
      source: 'llama.cpp on Llama-3-8B',
    };
    const lines = variantLines(
      {
        group: 'llama-3.1-8b',
        problems: ['The hub did not answer within 5 s.'],
        variants: [
          { ...base, quantization: 'Q4_K_M', model: 'llama-3.1-8b-q4_k_m', loaded: true, get: null, quality },
          {
            ...base,
            quantization: 'Q8_0',
            model: null,
            get: { kind: 'pull', reference: 'hf.co/o/r:Q8_0' },
            quality: null,
          },
          { ...base, quantization: 'Q2_K', model: null, get: { kind: 'quantize', from: 'llama-f16' }, quality: null },
        ],
      },
      200,
      palette,
    );
    const text = lines.join('\n');
    expect(lines[2]).toMatch(
      /^\* +Q4_K_M +4\.7 GB +4\.89 +\+2\.8 % +91\.9 % +fits +18\.0 +here: llama-3\.1-8b-q4_k_m$/,
    );
    expect(text).toContain('get hf.co/o/r:Q8_0');
    expect(text).toContain('make from llama-f16');
    expect(text).toContain('! The hub did not answer within 5 s.');
    expect(text).toContain('Quality: llama.cpp on Llama-3-8B');
  });

  it('show: all that is known, wrapped', () => {
    const lines = modelDetailLines(
      aModel({ fit: aFit(), measured: aSpeed(), digest: `sha256:${'a'.repeat(64)}` }),
      80,
      palette,
    );
    const text = lines.join('\n');
    expect(text).toContain('Speed       12.3 tok/s · prefill 140 tok/s · from 7 answers on embedded');
    expect(text).toContain('Memory      3.9 GB weights + 512 MB KV');
    expect(Math.max(...lines.map(cellWidth))).toBeLessThanOrEqual(80);
  });
});

describe('what is on its way', () => {
  it('pulls show share, speed, time left and the command that helps', () => {
    expect(
      pullLines([aPull(), aPull({ id: 'p2', state: 'paused', bytesPerSecond: null, secondsLeft: null })], palette),
    ).toEqual([
      'gemma  ██████████░░░░░░░░░░ 50 % · 121 of 241 MB · 10 MB/s · 12 s left',
      '  Receiving.',
      '  ranch-hand models pause p1',
      'gemma  ██████████░░░░░░░░░░ 50 % · 121 of 241 MB · paused',
      '  Receiving.',
      '  ranch-hand models resume p2   ranch-hand models cancel p2',
    ]);
    expect(pullLines([aPull({ state: 'done' }), aPull({ state: 'cancelled' })], palette)).toEqual([]);
    expect(pullProgress(aPull({ totalBytes: null }))).toMatch(/^121 MB · 10 MB\/s/);
  });

  it('status shows a switch and pulls under way, and neither once they are over', () => {
    const under = statusLines(aNode({ switching: aSwitch(), pulls: [aPull()] }), screen).join('\n');
    expect(under).toContain('Switch      ████████░░░░░░░░░░░░ 40 % · Loading llama.');
    expect(under).toContain('Pull        gemma  ');
    const over = statusLines(
      aNode({ switching: aSwitch({ phase: 'done' }), pulls: [aPull({ state: 'done' })] }),
      screen,
    );
    expect(over.join('\n')).not.toMatch(/^(Switch|Pull)/m);
  });

  it('status shows the share of time ready, and no engine that is not in use', () => {
    const node = { ...aNode().node, availability: { day: 0.9987, week: null, month: 0.5 } };
    const engines = [anEngine(), anEngine({ id: 'ollama', kind: 'ollama', state: 'absent' })];
    const text = statusLines(aNode({ node, engines }), screen).join('\n');
    expect(text).toContain('Ready       99.87 % of 24 h · 50.00 % of 30 days');
    expect(text).not.toContain('ollama');
  });
});

describe('lists', () => {
  it('models: marks the default, names the self-test, says what cannot be loaded', () => {
    const models = [
      aModel(),
      aModel({
        id: 'self-test',
        isDefault: false,
        selfTest: true,
        loaded: false,
        state: 'idle',
        tokensPerSecond: null,
      }),
      aModel({ id: 'llama', isDefault: false, pinned: true, fit: aFit({ verdict: 'tight' }), measured: aSpeed() }),
      aModel({ id: 'odd', isDefault: false, loaded: false, problem: 'No engine here can load i2_s.' }),
    ];
    const lines = modelsLines(models, '/data', 80, palette);
    expect(lines[1]).toBe('*  falcon3-10b-instruct  i2_s   3.9 GB   32,768   17.8  –      loaded');
    expect(lines[2]).toMatch(/^ +self-test .* –  –      self-test$/);
    expect(lines[3]).toMatch(/ 12\.3  tight  loaded, pinned$/);
    expect(lines.at(-1)).toBe('! odd: No engine here can load i2_s.');
    expect(Math.max(...lines.map(cellWidth))).toBeLessThanOrEqual(80);
  });

  it('models: an empty node says how to get one', () => {
    expect(modelsLines([], '/data', 80, palette)).toEqual([
      'No model is here yet. Get one with: ranch-hand models pull NAME, or put a GGUF file into /data/models.',
    ]);
  });

  it('engines: the last words of one that is down', () => {
    const lastExit = {
      at: '',
      code: null,
      signal: 'SIGKILL',
      reason: 'ended by signal SIGKILL',
      lastLines: ['out of memory'],
    };
    const down = enginesLines(
      [anEngine({ state: 'failed', sentence: 'It ended.', lastExit })],
      lookedAtMs,
      80,
      palette,
    );
    expect(down.slice(-4)).toEqual([
      'embedded: It ended.',
      '  3.21.1 · node-llama-cpp',
      '  Last exit: ended by signal SIGKILL',
      '  | out of memory',
    ]);
    expect(enginesLines([anEngine({ lastExit })], lookedAtMs, 80, palette).join('\n')).not.toContain('out of memory');
  });

  it('requests: a failed one shows its code', () => {
    expect(activityLines([aRequest({ state: 'failed', error: 'engine_failed' })], 80, palette).at(-1)).toContain(
      'engine_failed',
    );
    expect(activityLines([], 80, palette)).toEqual([]);
  });

  it('settings: the value in force, where it comes from, and what waits for a restart', () => {
    const rows: SettingRow[] = [
      { key: 'gateway.port', value: 8080, valueAfterRestart: 8081, defaultValue: 8080, origin: 'default' },
      { key: 'node.name', value: 'bess', valueAfterRestart: 'bess', defaultValue: null, origin: 'config.json' },
    ];
    expect(settingsLines(rows, 80, palette)).toEqual([
      'Setting       Value  From',
      'gateway.port  8080   default',
      'node.name     bess   config.json',
      '',
      '! gateway.port becomes 8081 when the node starts again.',
    ]);
    expect(settingsLines(rows.slice(1), 80, palette)).toHaveLength(2);
  });

  it('settings: one of the cloud that was written by hand comes with the next change too', () => {
    const row: SettingRow = {
      key: 'cloud.keepRowsDays',
      value: 90,
      valueAfterRestart: 30,
      defaultValue: 90,
      origin: 'default',
    };
    expect(settingsLines([row], 80, palette).at(-1)).toBe(
      '! cloud.keepRowsDays becomes 30 when the node starts again, or as soon as any setting is changed.',
    );
  });
});

describe('layout', () => {
  it('shrinks only the columns that may, the widest first', () => {
    const heads = [{ title: 'A', shrinkTo: 3 }, { title: 'B' }, { title: 'C', shrinkTo: 3 }];
    const lines = table(heads, [['aaaaaaaaaa', 'bbbb', 'cccccc']], { columns: 18, head: palette.plain });
    expect(lines[1]).toBe('aaaa…  bbbb  cccc…');
  });

  it('cuts a line of pieces as a whole and colours only what is left', () => {
    const mark = (text: string): string => `<${text}>`;
    expect(line(['abc', { text: 'defgh', paint: mark }, 'never'], 6)).toBe('abc<de…>');
  });

  it('colours only a terminal that wants them', () => {
    expect(wantsColour(true, {})).toBe(true);
    expect(wantsColour(false, {})).toBe(false);
    expect(wantsColour(true, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColour(true, { NO_COLOR: '' })).toBe(true);
    expect(wantsColour(true, { TERM: 'dumb' })).toBe(false);
    expect(makePalette(true).bad('x')).toBe('\u001b[31mx\u001b[39m');
    expect(makePalette(false).bad('x')).toBe('x');
  });
});
