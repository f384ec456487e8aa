import { describe, expect, it } from 'vitest';
import type { ModelFit } from '../../../electron/contract/snapshot.ts';
import { gemmaVariant } from '../../fixtures/gemma-variants.ts';
import { SteadyCaller } from '../../fixtures/steady-caller.ts';
import { SwitchNode } from '../../fixtures/switch-node.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { fitOf } from '../../unit/engines/switching/engines-with-fakes.ts';

const [small, large] = ['gemma-q4_k_m', 'gemma-q8_0'] as const;

describe('a switch where there is room for one model only, on a real llama-server', () => {
  it('callers who stream all the while wait for it and lose nothing; there is never more than one in memory', async (context) => {
    const program = testEngine(context, 'llama-server');
    const models = { [small]: await gemmaVariant(context, 'Q4_K_M'), [large]: await gemmaVariant(context, 'Q8_0') };
    const fit = ({ modelId }: { readonly modelId: string }): ModelFit =>
      fitOf('after-unload', [modelId === small ? large : small]);
    await using node = await SwitchNode.start({ program, models, first: small, parallel: 2, fit });
    let most = 0;
    const phases: string[] = [];
    node.engines.changed.subscribe(() => {
      most = Math.max(most, node.engines.list().flatMap(({ processes }) => processes).length);
      const { phase } = node.engines.switching() ?? {};
      if (phase !== undefined && phases.at(-1) !== phase) phases.push(phase);
    });
    const callers = new SteadyCaller(node, { callers: 3, tokens: 6 });
    await callers.more(3);
    expect(await node.switchTo(large)).toMatchObject({ phase: 'done', from: small });
    await callers.more(4);
    expect(await node.switchTo(small)).toMatchObject({ phase: 'done', from: large });
    await callers.more(4);
    const record = await callers.end();
    expect(record.failures).toEqual([]);
    expect([...record.models].sort()).toEqual([small, large].sort());
    expect(most).toBe(1);
    const oneSwitch = ['checking', 'draining', 'loading', 'warming', 'done'];
    expect(phases).toEqual([...oneSwitch, ...oneSwitch]);
  }, 300_000);
});
