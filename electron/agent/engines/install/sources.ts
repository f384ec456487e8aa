/** Where the engines come from. Tests put a server of their own in the place. */
export interface InstallSources {
  /** GitHub's API. */
  readonly api: string;
  /** Of repositories to clone. */
  readonly git: string;
  /** Hugging Face. */
  readonly hub: string;
}

export const officialSources: InstallSources = {
  api: 'https://api.github.com',
  git: 'https://github.com',
  hub: 'https://huggingface.co',
};

/** The machine to install on. */
export interface InstallMachine {
  readonly platform: NodeJS.Platform;
  /** As Node names it. */
  readonly arch: string;
}

/** Which file of a release is for this machine; the first pattern that fits one wins. */
export interface AssetChoice {
  readonly repository: string;
  readonly patterns: readonly RegExp[];
  /** What stands for the newest one in the steps shown. */
  readonly shown: string;
}

/** Ollama's archive; null where its project publishes none. */
export function ollamaAsset({ platform, arch }: InstallMachine): AssetChoice | null {
  const cpu = { x64: 'amd64', arm64: 'arm64' }[arch];
  if (cpu === undefined) return null;
  const repository = 'ollama/ollama';
  switch (platform as string) {
    case 'linux':
      // Releases have had tar.zst since 2026 and tgz before.
      return {
        repository,
        patterns: [new RegExp(`^ollama-linux-${cpu}\\.tar\\.zst$`), new RegExp(`^ollama-linux-${cpu}\\.tgz$`)],
        shown: `ollama-linux-${cpu}.tar.zst`,
      };
    case 'darwin':
      return { repository, patterns: [/^ollama-darwin\.tgz$/], shown: 'ollama-darwin.tgz' };
    case 'win32':
      return {
        repository,
        patterns: [new RegExp(`^ollama-windows-${cpu}\\.zip$`)],
        shown: `ollama-windows-${cpu}.zip`,
      };
    default:
      return null;
  }
}

/** llama.cpp's archive for the processor alone, which runs everywhere; null where its project publishes none. */
export function llamaAsset({ platform, arch }: InstallMachine): AssetChoice | null {
  if (arch !== 'x64' && arch !== 'arm64') return null;
  const target = { linux: `ubuntu-${arch}`, darwin: `macos-${arch}`, win32: `win-cpu-${arch}` }[platform as string];
  if (target === undefined) return null;
  const ending = platform === 'win32' ? 'zip' : 'tar.gz';
  return {
    repository: 'ggml-org/llama.cpp',
    patterns: [new RegExp(`^llama-b\\d+-bin-${target}\\.(?:tar\\.gz|zip)$`)],
    shown: `llama-bNNNNN-bin-${target}.${ending}`,
  };
}

/** The model that proves a BitNet engine: the project's own one, and the smallest it recommends. */
export const bitnetModel = {
  repository: 'microsoft/bitnet-b1.58-2B-4T-gguf',
  file: 'ggml-model-i2_s.gguf',
  savedAs: 'bitnet-b1.58-2B-4T-i2_s.gguf',
} as const;
