import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startAgent } from '../../fixtures/agent-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { entry, ggufFile } from '../../unit/models/gguf-file.ts';
import { cli } from '../cli/cli-process.ts';
import { chat, snapshotWhere } from './real-agent.ts';

const id = 'falcon3-1b-instruct-i2_s';
const fake = join(import.meta.dirname, '../../fakes/fake-bitnet.ts');

/** A data folder with a model whose header says i2_s, and a program that answers like bitnet.cpp's server. */
function ranch(): { dataDir: string; program: string } {
  const dataDir = tempFolder();
  mkdirSync(join(dataDir, 'models'), { mode: 0o700 });
  const entries = [
    entry.string('general.architecture', 'llama'),
    entry.string('general.name', 'Falcon3 1B Instruct'),
    entry.u32('llama.context_length', 8_192),
    entry.u32('llama.block_count', 18),
    entry.strings('tokenizer.ggml.tokens', ['a', 'b', 'c']),
  ];
  const tensors = [{ name: 'blk.0.ffn_down.weight', shape: [256, 4], type: 36, offset: 0 }];
  writeFileSync(join(dataDir, 'models', `${id}.gguf`), ggufFile({ entries, tensors, dataBytes: 4_096 }));
  const program = join(dataDir, 'llama-server');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${fake}' "$@"\n`, { mode: 0o755 });
  return { dataDir, program };
}

it('B59 an i2_s model without bitnet.cpp says which engine it needs and how to get that', async () => {
  await using agent = await startAgent({ dataDir: ranch().dataDir });
  const { models, notices } = await snapshotWhere(agent, (now) => now.models.some((model) => model.id === id));
  const model = models.find((each) => each.id === id);
  expect(model).toMatchObject({ quantization: 'I2_S', engines: [], loaded: false });
  expect(model?.problem).toMatch(/BitNet.*ranch-hand engines install bitnet/);
  expect(notices.some(({ sentence }) => sentence.includes('engines install bitnet'))).toBe(true);
  const outcome = await cli(['models', 'use', id], { dataDir: agent.dataDir });
  expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('engines install bitnet') as string });
}, 60_000);

it('B59 with bitnet.cpp configured it loads there and answers', async (context) => {
  if (process.platform === 'win32') context.skip('the stand-in is a shell script');
  const { dataDir, program } = ranch();
  const env = { RANCH_HAND_ENGINES_BITNET_ENABLED: 'true', RANCH_HAND_ENGINES_BITNET_PATH: program };
  await using agent = await startAgent({ dataDir, env });
  expect(await cli(['models', 'use', id], { dataDir })).toMatchObject({ exitCode: 0 });
  const { models } = await snapshotWhere(agent, (now) => now.models.some((model) => model.id === id && model.loaded));
  expect(models.find((model) => model.id === id)).toMatchObject({ engineId: 'bitnet', isDefault: true, problem: null });
  const response = await chat(agent, { messages: [{ role: 'user', content: 'hello' }], max_tokens: 8 });
  expect(response.headers.get('x-ranch-upstream')).toBe('bitnet');
  expect(response.status).toBe(200);
}, 60_000);
