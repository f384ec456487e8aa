import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { ScriptedNode } from '../../callers/scripted-node.ts';
import { triedPrograms } from '../../callers/programs.ts';
import type { Shape } from '../../callers/shape.ts';
import { complaintAbout } from './well-formed.ts';

interface Recording {
  readonly program: string;
  readonly packages: readonly string[];
  readonly api: string;
  readonly requests: readonly Shape[];
}

const folder = join(projectRoot, 'test/callers/shapes');
const recordings = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Recording);

/** By hand: `fetch` would add headers of its own, and one of these programs sends no Content-Type. */
async function send(
  url: string,
  { method, headers, body }: Pick<Shape, 'method' | 'headers' | 'body'>,
): Promise<{ readonly status: number; readonly text: string }> {
  const asked = request(url, { method, headers: { ...headers } });
  asked.end(body === null ? undefined : JSON.stringify(body));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += String(piece);
  return { status: response.statusCode ?? 0, text };
}

describe('what real programs sent', () => {
  let node: ScriptedNode;
  beforeAll(async () => {
    node = await ScriptedNode.start();
  });
  afterAll(() => node[Symbol.asyncDispose]());

  it('is there for every program in every dialect that it has', () => {
    const wanted = triedPrograms.flatMap(({ name, apis }) => apis.map((api) => `${name} ${api}`));
    expect(recordings.map(({ program, api }) => `${program} ${api}`).sort()).toEqual(wanted.sort());
    for (const { packages, program } of recordings) {
      expect(packages).toEqual(triedPrograms.find(({ name }) => name === program)?.install.packages);
    }
  });

  it.each(recordings.map((each) => [each.program, each.api, each] as const))(
    '%s in its dialect %s is answered, and in form',
    async (_program, _api, { requests }) => {
      expect(requests.some(({ method }) => method === 'POST')).toBe(true);
      for (const { method, path, headers, body } of requests) {
        const { status, text } = await send(`${node.agent.gatewayUrl}${path}`, { method, headers, body });
        expect(status, `${method} ${path}: ${text.slice(0, 1_000)}`).toBe(200);
        const streams =
          typeof body === 'object' && body !== null && 'stream' in body ? body.stream === true : undefined;
        expect(complaintAbout({ path, streams, text }), `${method} ${path}`).toBeNull();
      }
    },
  );
});
