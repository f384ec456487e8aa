import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callers } from './callers.ts';
import { answerers, askers, passes } from './cells.ts';
import { MatrixRig, type Script } from './rig.ts';

/** Streams that break off without an error of the connection, and what the caller's library then says. */
const endings: readonly { readonly name: string; readonly script: Script; readonly says: RegExp }[] = [
  {
    name: 'F1 a stream whose body ends in order, before the answer does',
    script: { fault: 'short' },
    says: /complete|ended in the middle|broke its answer off/,
  },
  {
    name: 'F1 the same where the body ends with the connection',
    script: { fault: 'short', framing: 'close' },
    says: /complete|ended in the middle|broke its answer off/,
  },
  { name: 'F1 an error in the stream', script: { fault: 'told' }, says: /It went wrong\./ },
  {
    name: 'F1 an error in a stream that ends with the connection',
    script: { fault: 'told', framing: 'close' },
    says: /It went wrong\./,
  },
];

const cells = askers.flatMap((asker) => answerers.map((answerer) => ({ asker, answerer })));

describe.each(cells)('$asker streams from an upstream of the dialect $answerer', ({ asker, answerer }) => {
  const ask = (onPiece?: () => void) =>
    callers[asker](rig.url, {
      model: `${answerer}-model`,
      stream: true,
      with: 'nothing',
      ...(onPiece === undefined ? {} : { onPiece }),
    });

  beforeEach(() => rig.gateway.forgiveUpstreams());

  it.each(endings)('$name is told to the caller and counts against the upstream', async ({ script, says }) => {
    await rig.fakes[answerer].behave({ tokens: 5, afterTokens: 2, errorMessage: 'It went wrong.', ...script });
    const { failuresTotal } = rig.gateway.stats();
    let pieces = 0;
    const error: unknown = await ask(() => (pieces += 1)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toMatch(says);
    // Fewer where the break came in one read with them.
    expect(pieces).toBeLessThanOrEqual(2);
    expect(await rig.lastTrace()).toMatchObject({
      state: 'failed',
      error: 'upstream_failed',
      completionTokens: 2,
      attempts: [{ outcome: 'failed', error: 'upstream_failed' }],
    });
    expect(rig.gateway.stats().failuresTotal).toBe(failuresTotal + 1);
  });

  it('F1 a connection that closes behind a whole answer is its end', async () => {
    await rig.fakes[answerer].behave({ tokens: 3, framing: 'close' });
    expect(await ask()).toMatchObject({ text: 'tok0 tok1 tok2 ', finish: 'stop' });
    expect(await rig.lastTrace()).toMatchObject({ state: 'done', error: null });
  });

  if (!passes(asker, answerer)) return;

  // A connection that is cut may take the last piece with it, half read.
  it('F1 a connection that is cut where its close is the end', async () => {
    await rig.fakes[answerer].behave({ tokens: 5, fault: 'cut', afterTokens: 2, framing: 'close' });
    expect(await ask().catch((thrown: unknown) => thrown)).toBeInstanceOf(Error);
    expect(await rig.lastTrace()).toMatchObject({ state: 'failed', error: 'upstream_failed' });
  });
});

let rig: MatrixRig;

beforeAll(async () => {
  rig = await MatrixRig.start();
});

afterAll(() => rig[Symbol.asyncDispose]());
