import { expect, it } from 'vitest';
import { runAborts } from '../../bench/aborts.ts';
import { writeSelfTest } from '../../compliance/port-rig.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';

/** The long form, of a thousand and more and with a real model, is `npm run soak:aborts`; it holds the times too. */
const count = Number(process.env['RANCH_HAND_ABORTS'] ?? '60');
/** Far less than the answers would take: nothing is waited out. */
const limitMs = 8_000;

it.for([
  ['streamed', true],
  ['whole', false],
] as const)(
  'callers who leave %s answers of a real llama-server at random moments leave no slot at work and no socket behind',
  { timeout: 600_000 },
  async ([, streamed], context) => {
    const program = testEngine(context, 'llama-server');
    const model = writeSelfTest(tempFolder());
    const result = await runAborts({ program, model, count, longTokens: 12_000, streamed, seed: 7 });
    console.log(JSON.stringify(result));
    expect(result.left.beforeHead + result.left.inAnswer).toBeGreaterThan(count / 2);
    expect(result.idleMs).toBeLessThan(limitMs);
    expect(result.socketsLeft ?? 0).toBe(0);
    expect(result.restarts).toBe(0);
  },
);
