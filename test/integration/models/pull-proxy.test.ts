import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { FakeHub } from '../../fakes/fake-hub-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { ggufFile } from '../../unit/models/gguf-file.ts';
import { PullsRig } from './pulls-rig.ts';

const repo = 'ranch/Small-Horse-GGUF';
const reference = `hf.co/${repo}`;

async function startProxy() {
  const script = fileURLToPath(new URL('../../fakes/fake-hub-proxy.ts', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const requests: string[] = [];
  const lines = createInterface({ input: child.stdout });
  const [port] = (await once(lines, 'line')) as [string];
  lines.on('line', (line) => requests.push(line));
  return { url: `http://127.0.0.1:${port}`, requests };
}

async function startHub(): Promise<FakeHub> {
  const file = join(tempFolder(), 'small.gguf');
  writeFileSync(file, ggufFile());
  return FakeHub.start([{ repo, path: 'Small-Horse-Q4_K_M.gguf', file }]);
}

it('goes through the proxy of the environment, in either case of the name', async () => {
  await using hub = await startHub();
  for (const name of ['HTTP_PROXY', 'http_proxy']) {
    const proxy = await startProxy();
    const rig = await PullsRig.start({ hubUrl: hub.url, env: { [name]: proxy.url } });
    expect(await rig.ended(rig.pulls.start({ reference, use: false }))).toMatchObject({ state: 'done' });
    expect(proxy.requests).toHaveLength(3);
    expect(proxy.requests[0]).toContain(`${hub.url}/api/models/${repo}/tree/main`);
    expect(proxy.requests[2]).toContain(`127.0.0.1:${hub.filesPort}`);
  }
});

it('leaves out the hosts of NO_PROXY, and ignores proxies of the process that are not in its environment', async () => {
  await using hub = await startHub();
  const proxy = await startProxy();
  const rig = await PullsRig.start({ hubUrl: hub.url, env: { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } });
  expect(await rig.ended(rig.pulls.start({ reference, use: false }))).toMatchObject({ state: 'done' });
  expect(proxy.requests).toEqual([]);
});

it('asks the proxy for a tunnel to https', async () => {
  const proxy = await startProxy();
  const rig = await PullsRig.start({ hubUrl: 'https://hub.invalid', env: { HTTPS_PROXY: proxy.url } });
  const pull = await rig.ended(rig.pulls.start({ reference, use: false }));
  expect(pull.state).toBe('failed');
  expect(new Set(proxy.requests)).toEqual(new Set(['CONNECT hub.invalid:443']));
});
