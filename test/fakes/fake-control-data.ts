import { type QueryAnswer, type Variant } from '../../electron/contract/control.ts';
import {
  type EngineKind,
  type EngineSnapshot,
  type ModelFit,
  type ModelSnapshot,
  type PullSnapshot,
} from '../../electron/contract/snapshot.ts';

const gib = 1024 ** 3;

/** How long ago as a time, for a node whose "now" is fixed. */
export type Ago = (ms: number) => string;

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A fit whose verdict follows from what is free and what unloading would free, as on a machine of 96 GB. */
export function fakeFit(terms: {
  weights: number;
  kv: number;
  contextLength?: number;
  free?: number;
  rate: number;
  measured?: boolean;
  unload?: readonly string[];
}): ModelFit {
  const weightsBytes = terms.weights * gib;
  const kvBytes = terms.kv * gib;
  const computeBytes = 0.4 * gib;
  const headroomBytes = 2 * gib;
  const neededBytes = weightsBytes + kvBytes + computeBytes + headroomBytes;
  const freeBytes = (terms.free ?? 57.4) * gib;
  const unload = [...(terms.unload ?? [])];
  const short = Math.ceil((neededBytes - freeBytes) / gib);
  const verdict =
    neededBytes <= freeBytes
      ? neededBytes > freeBytes - 2 * gib
        ? 'tight'
        : 'fits'
      : unload.length > 0
        ? 'after-unload'
        : 'too-big';
  const sentences = {
    fits: `It fits: ${Math.round((freeBytes - neededBytes) / gib)} GB stay free.`,
    tight: 'It fits with little to spare. Close other programs, or pick a smaller quantization.',
    'after-unload': `It fits once ${unload.join(' and ')} is unloaded.`,
    'too-big': `It needs ${short} GB more than is free. Pick a smaller quantization.`,
  };
  return {
    verdict,
    sentence: sentences[verdict],
    weightsBytes,
    kvBytes,
    computeBytes,
    headroomBytes,
    neededBytes,
    freeBytes,
    contextLength: terms.contextLength ?? 8192,
    parallel: 4,
    kvType: 'f16',
    largestContextLength: verdict === 'too-big' ? null : 32_768,
    tokensPerSecond: terms.rate,
    prefillTokensPerSecond: terms.rate * 11,
    measured: terms.measured ?? false,
    unload,
  };
}

const modelsFolder = '/home/rancher/.local/share/ranch-hand/models';

function fakeModel(
  over: Partial<ModelSnapshot> & Pick<ModelSnapshot, 'id' | 'group' | 'quantization' | 'sizeBytes'>,
): ModelSnapshot {
  return {
    name: over.id,
    engineId: 'embedded',
    path: `${modelsFolder}/${over.id}.gguf`,
    family: 'llama',
    parameters: 8_030_261_248,
    contextLength: 131_072,
    capabilities: ['chat', 'completion', 'tools', 'json'],
    loaded: false,
    isDefault: false,
    selfTest: false,
    problem: null,
    tokensPerSecond: null,
    state: 'idle',
    digest: null,
    engines: ['llama-server', 'embedded'],
    origin: null,
    lastUsedAt: null,
    measured: null,
    fit: null,
    pinned: false,
    ...over,
  };
}

/** Models in every state and of every verdict; the one in use first. */
export function fakeModels(ago: Ago): ModelSnapshot[] {
  return [
    fakeModel({
      id: 'falcon3-10b-instruct',
      name: 'Falcon3 10B Instruct',
      group: 'falcon3-10b-instruct',
      path: `${modelsFolder}/falcon3-10b-instruct-q4_k_m.gguf`,
      parameters: 10_305_653_760,
      quantization: 'Q4_K_M',
      sizeBytes: 6_287_521_312,
      contextLength: 32_768,
      capabilities: ['chat', 'completion', 'json'],
      loaded: true,
      isDefault: true,
      tokensPerSecond: 17.8,
      state: 'loaded',
      engines: ['embedded', 'llama-server'],
      digest: 'sha256:a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
      origin: 'hf.co/tiiuae/Falcon3-10B-Instruct-GGUF:Q4_K_M',
      lastUsedAt: ago(4_000),
      measured: {
        tokensPerSecond: 17.8,
        prefillTokensPerSecond: 164,
        count: 214,
        engineId: 'embedded',
        contextLength: 8192,
      },
      fit: fakeFit({ weights: 5.9, kv: 1.3, rate: 17.8, measured: true }),
    }),
    fakeModel({
      id: 'ranch-self-test',
      name: 'Self-test',
      group: 'ranch-self-test',
      path: null,
      parameters: 248_832,
      quantization: 'F16',
      sizeBytes: 1_048_576,
      contextLength: 2048,
      capabilities: ['chat', 'completion'],
      selfTest: true,
      engines: ['embedded'],
    }),
    fakeModel({
      id: 'qwen3-coder-next-q8_0',
      name: 'Qwen3 Coder Next',
      group: 'qwen3-coder-next',
      engineId: null,
      family: 'qwen3',
      parameters: 79_674_391_296,
      quantization: 'Q8_0',
      sizeBytes: 84_850_000_000,
      contextLength: 262_144,
      capabilities: ['chat', 'tools'],
      fit: fakeFit({ weights: 79, kv: 3.1, rate: 6.1 }),
    }),
    fakeModel({
      id: 'qwen3-coder-next-q4_k_m',
      name: 'Qwen3 Coder Next',
      group: 'qwen3-coder-next',
      engineId: 'llama-server',
      family: 'qwen3',
      parameters: 79_674_391_296,
      quantization: 'Q4_K_M',
      sizeBytes: 51.2 * gib,
      contextLength: 262_144,
      capabilities: ['chat', 'tools'],
      lastUsedAt: ago(2 * day),
      measured: {
        tokensPerSecond: 9.1,
        prefillTokensPerSecond: 88,
        count: 31,
        engineId: 'llama-server',
        contextLength: 32_768,
      },
      tokensPerSecond: 9.1,
      fit: fakeFit({
        weights: 51.2,
        kv: 4.2,
        contextLength: 32_768,
        rate: 9.1,
        measured: true,
        unload: ['falcon3-10b-instruct'],
      }),
    }),
    fakeModel({
      id: 'llama3.1-8b-instruct-q8_0',
      name: 'Llama 3.1 8B Instruct',
      group: 'llama3.1-8b-instruct',
      engineId: 'llama-server',
      quantization: 'Q8_0',
      sizeBytes: 7.95 * gib,
      loaded: true,
      state: 'loaded',
      pinned: true,
      lastUsedAt: ago(26 * minute),
      measured: {
        tokensPerSecond: 7.4,
        prefillTokensPerSecond: 131,
        count: 12,
        engineId: 'llama-server',
        contextLength: 8192,
      },
      tokensPerSecond: 7.4,
      fit: fakeFit({ weights: 7.95, kv: 4, rate: 7.4, measured: true }),
    }),
    fakeModel({
      id: 'llama3.1-8b-instruct-q4_k_m',
      name: 'Llama 3.1 8B Instruct',
      group: 'llama3.1-8b-instruct',
      quantization: 'Q4_K_M',
      sizeBytes: 4.58 * gib,
      fit: fakeFit({ weights: 4.58, kv: 4, rate: 12.6 }),
    }),
    fakeModel({
      id: 'mistral-small:24b',
      name: 'Mistral Small 24B',
      group: 'mistral-small',
      engineId: 'ollama',
      path: null,
      family: 'mistral',
      parameters: 23_572_403_200,
      quantization: 'Q8_0',
      sizeBytes: 50.1 * gib,
      contextLength: 32_768,
      digest: 'sha256:8039dd90c1138d772437a0779a33b7349efd5d9cca71edcd26e4dd463f90439d',
      engines: ['ollama'],
      fit: fakeFit({ weights: 50.1, kv: 3.2, rate: 4.9 }),
    }),
    fakeModel({
      id: 'falcon3-7b-1.58bit',
      name: 'Falcon3 7B 1.58 bit',
      group: 'falcon3-7b-1.58bit',
      engineId: null,
      quantization: 'i2_s',
      sizeBytes: 3.2 * gib,
      contextLength: 32_768,
      engines: [],
      problem: 'It needs the BitNet engine, which is not installed. Install it on the Engines screen.',
    }),
  ];
}

/** One pull under way, one paused, one that failed. */
export function fakePulls(ago: Ago): PullSnapshot[] {
  const pull = (over: Partial<PullSnapshot> & Pick<PullSnapshot, 'id' | 'reference' | 'name'>): PullSnapshot => ({
    source: 'hugging-face',
    state: 'running',
    sentence: 'Coming.',
    receivedBytes: 0,
    totalBytes: null,
    bytesPerSecond: null,
    secondsLeft: null,
    startedAt: ago(2 * minute),
    endedAt: null,
    thenUse: false,
    model: null,
    ...over,
  });
  return [
    pull({
      id: 'p-1',
      reference: 'hf.co/bartowski/gemma-3-12b-it-GGUF:Q5_K_M',
      name: 'gemma-3-12b-it Q5_K_M',
      sentence: 'Coming from Hugging Face.',
      receivedBytes: 2.9 * gib,
      totalBytes: 7.9 * gib,
      bytesPerSecond: 41 * 1024 ** 2,
      secondsLeft: 125,
      thenUse: true,
    }),
    pull({
      id: 'p-2',
      reference: 'llama3.1:70b',
      name: 'llama3.1:70b',
      source: 'ollama',
      state: 'paused',
      sentence: 'Paused. It goes on where it stopped.',
      receivedBytes: 11.2 * gib,
      totalBytes: 39.6 * gib,
    }),
    pull({
      id: 'p-3',
      reference: 'https://models.example/phi-4-q4.gguf',
      name: 'phi-4-q4.gguf',
      source: 'url',
      state: 'failed',
      sentence: 'The file is not the one that was expected: its sha256 differs. Check the address, then try again.',
      receivedBytes: 8.4 * gib,
      totalBytes: 8.4 * gib,
      endedAt: ago(50 * minute),
    }),
  ];
}

const lastWords = [
  'build: 6102 (a1b2c3d) with cc (Debian 12.2.0) for x86_64-linux-gnu',
  'system_info: n_threads = 7 / 16 | AVX2 = 1 | FMA = 1 | LLAMAFILE = 1',
  'main: loading model',
  'srv    load_model: loading model falcon3-7b-instruct-1.58bit-i2_s.gguf',
  'llama_model_loader: loaded meta data with 31 key-value pairs and 255 tensors',
  'load_tensors: loading model tensors, this can take a while',
  'ggml_aligned_malloc: insufficient memory (attempted to allocate 3284.00 MB)',
  'llama_model_load: error loading model: unable to allocate CPU buffer',
  "srv    load_model: failed to load model, 'falcon3-7b-instruct-1.58bit-i2_s.gguf'",
  'main: exiting due to model loading error',
];

function fakeEngine(over: Partial<EngineSnapshot> & Pick<EngineSnapshot, 'id' | 'kind' | 'since'>): EngineSnapshot {
  return {
    ownership: 'owned',
    state: 'ready',
    sentence: 'Ready.',
    version: null,
    foundAt: null,
    pid: null,
    readyAt: null,
    restarts: 0,
    lastExit: null,
    nextTryAt: null,
    model: null,
    slots: { total: 0, busy: 0 },
    memoryBytes: null,
    url: null,
    manager: 'ranch-hand',
    advice: [],
    processes: [],
    availability: { day: null, week: null, month: null },
    ...over,
  };
}

/** The embedded engine at work, an Ollama that systemd runs, a llama-server with two models, and no BitNet. */
export function fakeEngines(ago: Ago): EngineSnapshot[] {
  return [
    fakeEngine({
      id: 'embedded',
      kind: 'embedded',
      since: ago(42 * minute),
      sentence: 'Ready with falcon3-10b-instruct.',
      version: '3.21.1',
      foundAt: 'node-llama-cpp',
      pid: 41_213,
      readyAt: ago(42 * minute),
      restarts: 1,
      lastExit: {
        at: ago(42 * minute + 3_000),
        code: null,
        signal: 'SIGKILL',
        reason: 'ended by signal SIGKILL',
        lastLines: ['load: model loaded', 'slot 2: 214 tokens decoded'],
      },
      model: 'falcon3-10b-instruct',
      slots: { total: 4, busy: 2 },
      memoryBytes: 5.4 * gib,
      availability: { day: 0.998, week: 0.9994, month: null },
    }),
    fakeEngine({
      id: 'ollama',
      kind: 'ollama',
      ownership: 'adopted',
      state: 'adopted',
      since: ago(3 * hour),
      sentence: 'Ollama was running already and is used as it is.',
      version: '0.17.4',
      foundAt: '/usr/local/bin/ollama',
      pid: 1187,
      readyAt: ago(6 * day),
      slots: { total: 1, busy: 0 },
      memoryBytes: 0.09 * gib,
      url: 'http://127.0.0.1:11434',
      manager: 'systemd',
      advice: [
        {
          sentence: 'Ollama keeps one answer going at a time. For two, change its service and restart it:',
          lines: [
            'sudo systemctl edit ollama --stdin <<< $\'[Service]\\nEnvironment="OLLAMA_NUM_PARALLEL=2"\'',
            'sudo systemctl restart ollama',
          ],
        },
      ],
      availability: { day: 0.981, week: 0.996, month: 0.9989 },
    }),
    fakeEngine({
      id: 'llama-server',
      kind: 'llama-server',
      since: ago(26 * minute),
      sentence: 'Ready with llama3.1-8b-instruct-q8_0; a second model is being loaded beside it.',
      version: 'b11434',
      foundAt: '/home/rancher/.local/share/ranch-hand/engines/llama-server-b11434/llama-server',
      pid: 52_900,
      readyAt: ago(26 * minute),
      model: 'llama3.1-8b-instruct-q8_0',
      slots: { total: 4, busy: 0 },
      memoryBytes: 13.1 * gib,
      processes: [
        { pid: 52_900, model: 'llama3.1-8b-instruct-q8_0', state: 'ready', memoryBytes: 12.2 * gib },
        { pid: 53_377, model: 'nomic-embed-text-v1.5', state: 'loading', memoryBytes: 0.9 * gib },
      ],
      availability: { day: 1, week: 0.9999, month: 0.9997 },
    }),
    fakeEngine({
      id: 'bitnet',
      kind: 'bitnet',
      state: 'absent',
      since: ago(3 * hour),
      sentence: 'No BitNet server was found in the data folder, in the settings or on the path.',
    }),
  ];
}

/** A BitNet engine that gave up, with its last lines. */
export function fakeFailedEngine(ago: Ago): EngineSnapshot {
  return fakeEngine({
    id: 'bitnet',
    kind: 'bitnet',
    state: 'failed',
    since: ago(4 * minute),
    sentence: 'BitNet ended five times in ten minutes and is left alone. Read its last lines, then start it.',
    version: 'b3962',
    foundAt: '/home/rancher/bitnet.cpp/build/bin/llama-server',
    restarts: 5,
    lastExit: {
      at: ago(4 * minute),
      code: 1,
      signal: null,
      reason: 'it could not get the memory for the model',
      lastLines: lastWords,
    },
    availability: { day: 0.912, week: 0.978, month: null },
  });
}

const tableSource = 'llama.cpp, tools/quantize: Llama 3 8B on wikitext, with an importance matrix where there is one';

function quality(perplexityPercent: number, sameTopTokenPercent: number | null, sentence: string): Variant['quality'] {
  return { perplexityPercent, sameTopTokenPercent, sentence, source: tableSource };
}

/** Quantizations of the 8B model: two here, three to get, one to make, one too big for nothing but show. */
export function fakeVariants(): QueryAnswer<'variants'> {
  const repo = 'hf.co/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF';
  const variant = (
    over: Pick<Variant, 'quantization' | 'bitsPerWeight'> & Partial<Variant> & { gb: number; rate: number },
  ): Variant => {
    const { gb, rate, ...rest } = over;
    return {
      model: null,
      loaded: false,
      get: { kind: 'pull', reference: `${repo}:${over.quantization}` },
      sizeBytes: gb * gib,
      quality: null,
      fit: fakeFit({ weights: gb, kv: 4, rate }),
      ...rest,
    };
  };
  return {
    group: 'llama3.1-8b-instruct',
    variants: [
      variant({
        quantization: 'Q4_K_M',
        bitsPerWeight: 4.89,
        gb: 4.58,
        rate: 12.6,
        model: 'llama3.1-8b-instruct-q4_k_m',
        get: null,
        quality: quality(2.8, 91.9, 'Hardly noticeable.'),
      }),
      variant({
        quantization: 'Q8_0',
        bitsPerWeight: 8.5,
        gb: 7.95,
        rate: 7.4,
        model: 'llama3.1-8b-instruct-q8_0',
        loaded: true,
        get: null,
        fit: fakeFit({ weights: 7.95, kv: 4, rate: 7.4, measured: true }),
        quality: quality(0.04, 97.7, 'As good as the original.'),
      }),
      variant({
        quantization: 'Q6_K',
        bitsPerWeight: 6.56,
        gb: 6.14,
        rate: 9.5,
        quality: quality(0.35, 96, 'As good as the original.'),
      }),
      variant({
        quantization: 'Q5_K_M',
        bitsPerWeight: 5.7,
        gb: 5.33,
        rate: 10.9,
        quality: quality(0.9, null, 'Very close.'),
      }),
      variant({
        quantization: 'Q4_0',
        bitsPerWeight: 4.55,
        gb: 4.34,
        rate: 13.2,
        get: { kind: 'quantize', from: 'llama3.1-8b-instruct-f16' },
        quality: quality(7.5, null, 'Older format; Q4_K_M is better.'),
      }),
      variant({
        quantization: 'Q2_K',
        bitsPerWeight: 3.16,
        gb: 2.96,
        rate: 18.4,
        quality: quality(56, 71.1, 'Poor: use a smaller model instead.'),
      }),
      variant({
        quantization: 'F16',
        bitsPerWeight: 16,
        gb: 14.97,
        rate: 4,
        fit: fakeFit({ weights: 14.97, kv: 4, rate: 4, free: 12 }),
        quality: quality(0, null, 'The original.'),
      }),
    ],
    problems: ['The Ollama library did not answer in time, so its tags are not listed.'],
  };
}

/** Outages of the node and of its Ollama. */
export function fakeAvailability(ago: Ago): QueryAnswer<'availability'> {
  return {
    goal: 0.99,
    outages: [
      { engineId: 'bitnet', from: ago(4 * minute), to: null, cause: 'It could not get the memory for the model.' },
      {
        engineId: null,
        from: ago(42 * minute + 3_000),
        to: ago(42 * minute),
        cause: 'The engine was ended by SIGKILL.',
      },
      {
        engineId: 'embedded',
        from: ago(42 * minute + 3_000),
        to: ago(42 * minute),
        cause: 'It was ended by signal SIGKILL.',
      },
      { engineId: 'ollama', from: ago(9 * hour), to: ago(9 * hour - 27 * minute), cause: 'Ollama was updated.' },
      { engineId: null, from: ago(3 * day), to: ago(3 * day - 12 * minute), cause: 'The machine was restarted.' },
    ],
  };
}

/** Steps to install an engine; llama-server cannot be installed on this fake machine. */
export function fakeInstallSteps(kind: EngineKind): QueryAnswer<'installSteps'> {
  return {
    kind,
    sentence:
      'It takes about 1.4 GB of disk and ten minutes, and everything goes into the data folder. It needs clang 18 and cmake, which are here.',
    steps: [
      {
        sentence: 'Get the sources.',
        lines: ['git clone --recursive https://github.com/microsoft/BitNet.git', 'cd BitNet && git checkout v1.1'],
      },
      {
        sentence: 'Build the server.',
        lines: [
          'cmake -B build -DCMAKE_BUILD_TYPE=Release -DBITNET_X86_TL2=OFF',
          'cmake --build build --target llama-server -j 7',
        ],
      },
      { sentence: 'Start it once, to see that it answers.', lines: [] },
    ],
    problem:
      kind === 'llama-server' ? 'cmake is missing on this machine. Install it, then open this list again.' : null,
  };
}
