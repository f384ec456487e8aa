import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSelfTestModel } from '../../../build/self-test-model.ts';
import type { ModelFit } from '../../../electron/contract/snapshot.ts';
import { SteadyCaller } from '../../fixtures/steady-caller.ts';
import { SwitchNode } from '../../fixtures/switch-node.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { fitOf } from '../../unit/engines/switching/engines-with-fakes.ts';

/** No room beside, whatever the memory of the machine. */
const noRoom = ({ modelId }: { readonly modelId: string }): ModelFit =>
  fitOf('after-unload', [modelId === 'cow' ? 'horse' : 'cow']);

describe('a switch where there is room for one model only, on a real llama-server', () => {
  it('callers who stream all the while wait for it and lose nothing; there is never more than one in memory', async (context) => {
    const program = testEngine(context, 'llama-server');
    const file = join(tempFolder(), 'model.gguf');
    writeFileSync(file, buildSelfTestModel());
    const models = { cow: file, horse: file };
    await using node = await SwitchNode.start({ program, models, first: 'cow', parallel: 2, threads: 1, fit: noRoom });
    let most = 0;
    const phases: string[] = [];
    node.engines.changed.subscribe(() => {
      most = Math.max(most, node.engines.list().flatMap(({ processes }) => processes).length);
      const { phase } = node.engines.switching() ?? {};
      if (phase !== undefined && phases.at(-1) !== phase) phases.push(phase);
    });
    const callers = new SteadyCaller(node, { callers: 4, tokens: 8 });
    await callers.more(4);
    expect(await node.switchTo('horse')).toMatchObject({ phase: 'done', from: 'cow' });
    await callers.more(8);
    expect(await node.switchTo('cow')).toMatchObject({ phase: 'done', from: 'horse' });
    await callers.more(8);
    const record = await callers.end();
    expect(record.failures).toEqual([]);
    expect([...record.models].sort()).toEqual(['cow', 'horse']);
    expect(most).toBe(1);
    const oneSwitch = ['checking', 'draining', 'loading', 'warming', 'done'];
    expect(phases).toEqual([...oneSwitch, ...oneSwitch]);
  }, 180_000);
});
