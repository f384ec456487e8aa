import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { Metrics } from '../../../electron/agent/telemetry/prometheus.ts';
import type { NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import type { Trace } from '../../../electron/contract/trace.ts';
import { aCandidate, aTrace } from '../../fixtures/example-trace.ts';
import { aNode, anEngine } from '../cli/node-snapshot.ts';

function rig(node: Partial<NodeSnapshot> = {}) {
  const picture = { current: { ...aNode(), ...node } };
  const metrics = new Metrics({ picture: () => picture.current });
  /** Value of the one series with this name and these labels; undefined when there is none. */
  const value = async (series: string): Promise<number | undefined> => {
    const found = (await metrics.text()).split('\n').find((line) => line.startsWith(`${series} `));
    return found === undefined ? undefined : Number(found.slice(series.length + 1));
  };
  return { metrics, value, picture };
}

describe('Metrics of traffic', () => {
  it('count a request under what came of it', async () => {
    const { metrics, value } = rig();
    metrics.record(aTrace());
    metrics.record(aTrace({ ttftMs: 1_500 }));
    const labels = 'dialect="openai",surface="chat-completions",route="local",status="200",reason="local-idle"';
    expect(await value(`ranch_gateway_requests_total{${labels}}`)).toBe(2);
    const ttft = 'route="local",dialect="openai",model="falcon3-10b-instruct"';
    expect(await value(`ranch_gateway_ttft_seconds_count{${ttft}}`)).toBe(2);
    expect(await value(`ranch_gateway_ttft_seconds_sum{${ttft}}`)).toBeCloseTo(1.79);
    expect(await value(`ranch_gateway_ttft_seconds_bucket{le="0.5",${ttft}}`)).toBe(1);
    const tokens = 'route="local",model="falcon3-10b-instruct"';
    expect(await value(`ranch_gateway_prompt_tokens_total{${tokens}}`)).toBe(2_424);
    expect(await value(`ranch_gateway_cached_prompt_tokens_total{${tokens}}`)).toBe(1_800);
    expect(await value(`ranch_gateway_completion_tokens_total{${tokens}}`)).toBe(68);
  });

  it('hold the first token against what the router expected', async () => {
    const { metrics, value } = rig();
    metrics.record(aTrace({ ttftMs: 620 }));
    expect(await value('ranch_gateway_ttft_estimate_ratio_sum{route="local"}')).toBe(2);
    // After a failed attempt, or without an estimate, there is nothing to compare.
    const failed = { upstream: 'x', model: 'm', atMs: 1, outcome: 'failed', error: 'engine_failed' } as const;
    metrics.record(aTrace({ attempts: [failed, ...aTrace().attempts] }));
    metrics.record(aTrace({ candidates: [aCandidate({ estimate: null })] }));
    expect(await value('ranch_gateway_ttft_estimate_ratio_count{route="local"}')).toBe(1);
    expect(await value('ranch_gateway_attempts_failed_total{upstream="x",error="engine_failed"}')).toBe(1);
  });

  it('count refusals by cause, and no speed for them', async () => {
    const { metrics, value } = rig();
    const refused: Partial<Trace> = { route: 'none', state: 'failed', model: null, ttftMs: null, attempts: [] };
    metrics.record(aTrace({ ...refused, status: 503, reason: 'too-busy' }));
    metrics.record(aTrace({ ...refused, status: 429, reason: 'key-limit' }));
    metrics.record(aTrace({ ...refused, status: 429, reason: 'key-limit' }));
    metrics.record(aTrace({ state: 'aborted', status: null, reason: 'caller-gone' }));
    expect(await value('ranch_gateway_refusals_total{cause="too-busy"}')).toBe(1);
    expect(await value('ranch_gateway_refusals_total{cause="key-limit"}')).toBe(2);
    const text = await metrics.text();
    expect(text).toContain('status="none",reason="caller-gone"');
    expect(text).not.toContain('ranch_gateway_ttft_seconds_count{route="none"');
  });

  it('tell a bounded number of models apart', async () => {
    const { metrics, value } = rig();
    for (let index = 0; index < 500; index += 1) metrics.record(aTrace({ model: `m${index}` }));
    const series = (await metrics.text()).match(/^ranch_gateway_ttft_seconds_count\{/gm);
    expect(series).toHaveLength(201);
    expect(await value('ranch_gateway_ttft_seconds_count{route="local",dialect="openai",model="other"}')).toBe(300);
  });

  it('leave out a figure that is none, and fail nobody', async () => {
    const { metrics } = rig();
    for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY]) metrics.record(aTrace({ promptTokens: bad }));
    expect(await metrics.text()).not.toContain('ranch_gateway_requests_total{');
  });

  it('keep what names hold out of the text form', async () => {
    const { metrics } = rig();
    metrics.record(aTrace({ model: 'a"} 1\nevil 1\n\\' }));
    expect(await metrics.text()).not.toMatch(/^evil/m);
  });
});

describe('Metrics of the node', () => {
  it('tell its load, its engines and its build', async () => {
    const gateway = { ...aNode().gateway, queued: 3, inFlight: 2, slots: 4, saturation: 0.75, level: 'busy' } as const;
    const { value } = rig({
      gateway,
      engines: [
        anEngine({ id: 'one', state: 'ready', restarts: 2, slots: { total: 4, busy: 1 } }),
        anEngine({ id: 'two', state: 'backoff' }),
      ],
    });
    expect(await value('ranch_gateway_queue_depth')).toBe(3);
    expect(await value('ranch_gateway_in_flight')).toBe(2);
    expect(await value('ranch_gateway_slots')).toBe(4);
    expect(await value('ranch_gateway_saturation_ratio')).toBe(0.75);
    expect(await value('ranch_gateway_saturation_level{level="busy"}')).toBe(1);
    expect(await value('ranch_gateway_saturation_level{level="calm"}')).toBe(0);
    expect(await value('ranch_engine_up{engine="one",kind="embedded"}')).toBe(1);
    expect(await value('ranch_engine_up{engine="two",kind="embedded"}')).toBe(0);
    expect(await value('ranch_engine_restarts_total{engine="one"}')).toBe(2);
    expect(await value('ranch_engine_restarts_total{engine="one"}')).toBe(2);
    expect(await value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(await value('process_cpu_seconds_total')).toBeGreaterThan(0);
  });

  it('forget an engine that is gone', async () => {
    const { value, picture } = rig({ engines: [anEngine({ id: 'one' })] });
    expect(await value('ranch_engine_up{engine="one",kind="embedded"}')).toBeDefined();
    picture.current = { ...picture.current, engines: [] };
    expect(await value('ranch_engine_up{engine="one",kind="embedded"}')).toBeUndefined();
    expect(await value('ranch_engine_restarts_total{engine="one"}')).toBeUndefined();
  });

  it('show that a breaker has closed', async () => {
    const broken = (state: 'open' | 'half-open') => [
      { upstream: 'vllm', state, nextTryAt: '2026-11-22T12:00:00.000Z' },
    ];
    const { value, picture } = rig();
    const set = (breakers: NodeSnapshot['gateway']['breakers']): void => {
      picture.current = { ...picture.current, gateway: { ...picture.current.gateway, breakers } };
    };
    const states: (number | undefined)[] = [];
    for (const breakers of [broken('open'), broken('half-open'), []]) {
      set(breakers);
      states.push(await value('ranch_gateway_breaker_state{upstream="vllm"}'));
    }
    expect(states).toEqual([2, 1, 0]);
  });

  it('are two registries for two nodes in one process', async () => {
    const one = rig();
    const two = rig();
    one.metrics.record(aTrace());
    expect(await two.metrics.text()).not.toContain('ranch_gateway_ttft_seconds_count{');
  });
});

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

describe('the Grafana dashboard', () => {
  const text = readFileSync(join(projectRoot, 'resources/grafana-dashboard.json'), 'utf8');
  const dashboard = JSON.parse(text) as {
    panels: Panel[];
    templating: { list: { name: string; definition?: string }[] };
  };

  it('asks for metrics and labels that exist, and leaves none of ours out', async () => {
    const { metrics } = rig();
    const exposition = await metrics.text();
    const known = new Set<string>();
    for (const [, name = '', type] of exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
      known.add(name);
      if (type === 'histogram') for (const part of ['_bucket', '_count', '_sum']) known.add(`${name}${part}`);
    }
    const queries = [
      ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
    ];
    const used = new Set(queries.flatMap((query) => query.match(/\b(?:ranch|process|nodejs)_[a-z_]+/g) ?? []));
    expect(used.size).toBeGreaterThan(30);
    expect([...used].filter((name) => !known.has(name))).toEqual([]);
    const ours = [...known].filter((name) => name.startsWith('ranch_') && !/_(?:bucket|count|sum)$/.test(name));
    const shown = [...used].map((name) => name.replace(/_(?:bucket|count|sum)$/, ''));
    expect(ours.filter((name) => !shown.includes(name))).toEqual([]);
  });

  it('has panels of different ids that do not lie over each other', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { gridPos: a, title } of panels) {
      expect(a.x + a.w).toBeLessThanOrEqual(24);
      const over = panels.filter(
        ({ gridPos: b }) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h,
      );
      expect(over.map((each) => each.title)).toEqual([title]);
    }
  });
});
