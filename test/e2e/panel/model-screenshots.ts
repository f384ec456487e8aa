/**
 * Pictures of models and engines for the documentation, in docs/images: `node test/e2e/panel/model-screenshots.ts`.
 * The agent is the real one, with a real llama-server and a real Ollama of the test engines and a real model; the hub
 * that it pulls from stands in for the real one, and a program that fails stands in for bitnet.cpp.
 */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser } from 'playwright-core';
import { projectRoot } from '../../../build/bundling/product.ts';
import { testEnginesFolder } from '../../../build/test-engines/layout.ts';
import { findTestEngine } from '../../../build/test-engines/provision.ts';
import { FakeHub } from '../../fakes/fake-hub-process.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { gemmaVariant } from '../../fixtures/gemma-variants.ts';
import { RealOllama } from '../../fixtures/real-ollama.ts';
import { SteadyCaller } from '../../fixtures/steady-caller.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { clientOf, snapshotWhere } from '../../integration/agent/real-agent.ts';
import { entry, ggufFile } from '../../unit/models/gguf-file.ts';
import { launchChromium, PanelPage, type PanelPageOptions } from './panel-page.ts';

const repo = 'ggml-org/gemma-3-270m-GGUF';
const small = 'gemma-3-270m-q4_k_m';
const ternary = 'falcon3-1b-instruct-i2_s';

const required = {
  skip: (note: string): never => {
    throw new Error(note);
  },
};

function engine(name: 'llama-server' | 'ollama' | 'gemma'): string {
  return findTestEngine(testEnginesFolder(process.env), name) ?? required.skip(`the test engine ${name} is not there`);
}

function linked(program: string, folder: string): string {
  const link = join(folder, 'llama-server');
  symlinkSync(program, link);
  return link;
}

/** A bitnet.cpp that cannot load anything, and a model that only it could. */
function prepareBitnet(folder: string): string {
  const program = join(folder, 'llama-server');
  const lines = [
    'build: 3957 (406a5036) with clang version 18.1.8',
    'llama_model_loader: loaded meta data with 23 key-value pairs',
    'llm_load_tensors: CPU buffer size = 1352.07 MiB',
    'ggml_bitnet_init: this build was made for a processor with other tables',
  ];
  const says = lines.map((line) => `echo "${line}" >&2`).join('\n');
  const cases = `case "$1" in --version) echo "version: 3957 (406a5036)" >&2; exit 0;; --help) exit 0;; esac`;
  writeFileSync(program, `#!/bin/sh\n${cases}\n${says}\nkill -SEGV $$\n`);
  chmodSync(program, 0o755);
  const entries = [
    entry.string('general.architecture', 'llama'),
    entry.string('general.name', 'Falcon3 1B Instruct'),
    entry.u32('llama.context_length', 8_192),
    entry.u32('llama.block_count', 18),
    entry.strings('tokenizer.ggml.tokens', ['a', 'b', 'c']),
  ];
  const tensors = [{ name: 'blk.0.ffn_down.weight', shape: [256, 4], type: 36, offset: 0 }];
  mkdirSync(join(folder, 'models'), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'models', `${ternary}.gguf`), ggufFile({ entries, tensors, dataBytes: 4_096 }));
  return program;
}

/** A node at work: a model pulled and measured, another on its way, an engine that is used and one that failed. */
async function setTheScene(agent: AgentProcess, hub: FakeHub): Promise<void> {
  const client = clientOf(agent);
  await client.command('models.pull', { reference: `hf.co/${repo}:Q4_K_M`, use: true });
  await snapshotWhere(
    agent,
    ({ models }) => models.some(({ id, loaded, isDefault }) => id === small && loaded && isDefault),
    120_000,
  );
  const callers = new SteadyCaller(agent, { callers: 1, tokens: 48 });
  await callers.more(6);
  await callers.end();
  await client.command('models.load', { model: ternary }).catch(() => undefined);
  await snapshotWhere(
    agent,
    ({ engines }) => engines.some(({ kind, state }) => kind === 'bitnet' && state === 'failed'),
    120_000,
  );
  await hub.behave({ bytesPerSecond: 6_000_000 });
  await client.command('models.pull', { reference: `hf.co/${repo}:F16`, use: false });
  await snapshotWhere(
    agent,
    ({ pulls }) => pulls.some(({ state, secondsLeft }) => state === 'running' && secondsLeft !== null),
    60_000,
  );
}

interface Picture {
  readonly options: PanelPageOptions;
  readonly whole: boolean;
  readonly show: (panel: PanelPage) => Promise<void>;
}

async function showModels(panel: PanelPage): Promise<void> {
  await panel.show('Models');
  await panel.section('On their way').waitFor();
}

async function showChooser(panel: PanelPage): Promise<void> {
  await panel.show('Models');
  await panel.page.getByRole('button', { name: 'Choose quantization of gemma-3-270m' }).first().click();
  await panel.page.getByRole('radio', { name: 'Q8_0' }).first().check();
}

async function showEngines(panel: PanelPage): Promise<void> {
  await panel.show('Engines');
  await panel.page.getByText('ggml_bitnet_init').first().waitFor();
}

const light = { width: 1280, height: 900, colors: 'light' } as const;
const dark = { width: 1280, height: 900, colors: 'dark' } as const;

const pictures: Readonly<Record<string, Picture>> = {
  'panel-models': { options: { ...light, height: 840 }, whole: false, show: showModels },
  'panel-models-dark': { options: { ...dark, height: 840 }, whole: false, show: showModels },
  'panel-pull': { options: { ...light, height: 620 }, whole: false, show: showModels },
  'panel-chooser': { options: light, whole: false, show: showChooser },
  'panel-chooser-360': { options: { width: 360, height: 800, colors: 'light' }, whole: false, show: showChooser },
  'panel-engines': { options: light, whole: true, show: showEngines },
  'panel-engines-dark': { options: { ...dark, height: 1100 }, whole: false, show: showEngines },
};

async function shootAll(browser: Browser, agent: AgentProcess): Promise<void> {
  for (const [name, { options, whole, show }] of Object.entries(pictures)) {
    await using panel = await PanelPage.open(browser, (await clientOf(agent).ticket()).url, options);
    await show(panel);
    const path = join(projectRoot, 'docs/images', `${name}.png`);
    await panel.page.screenshot({ path, fullPage: whole, animations: 'disabled' });
    console.log(path);
  }
}

const folder = makeTempFolder();
const dataDir = join(folder, 'data');
mkdirSync(dataDir, { recursive: true, mode: 0o700 });
const browser = await launchChromium();
try {
  const variants = await Promise.all(
    (['Q4_K_M', 'Q8_0', 'F16'] as const).map(async (quantization) => ({
      repo,
      path: `gemma-3-270m-${quantization}.gguf`,
      file: await gemmaVariant(required, quantization),
    })),
  );
  await using hub = await FakeHub.start(variants);
  await using ollama = await RealOllama.start({ program: engine('ollama'), folder: join(folder, 'ollama') });
  await ollama.create('horse:270m', engine('gemma'));
  await using agent = await startAgent({
    dataDir,
    env: {
      HF_ENDPOINT: hub.url,
      RANCH_HAND_NODE_NAME: 'logos-prime',
      RANCH_HAND_ENGINES_OLLAMA_ENABLED: 'true',
      RANCH_HAND_ENGINES_OLLAMA_URL: ollama.url,
      RANCH_HAND_ENGINES_LLAMA_SERVER_ENABLED: 'true',
      // Under a name that says nothing of this machine; the embedded engine's file would.
      RANCH_HAND_ENGINES_LLAMA_SERVER_PATH: linked(engine('llama-server'), folder),
      RANCH_HAND_ENGINES_EMBEDDED_ENABLED: 'false',
      RANCH_HAND_ENGINES_BITNET_ENABLED: 'true',
      RANCH_HAND_ENGINES_BITNET_PATH: prepareBitnet(dataDir),
    },
  });
  await setTheScene(agent, hub);
  await shootAll(browser, agent);
} finally {
  await browser.close();
  removeFolder(folder);
}
