import { expect, it } from 'vitest';
import { digestInList } from '../../../../electron/agent/engines/install/releases.ts';
import { llamaAsset, ollamaAsset } from '../../../../electron/agent/engines/install/sources.ts';

const picks = (choice: ReturnType<typeof ollamaAsset>, names: readonly string[]): string | undefined => {
  for (const pattern of choice?.patterns ?? []) {
    const name = names.find((each) => pattern.test(each));
    if (name !== undefined) return name;
  }
  return undefined;
};

const ollamaNames = [
  'Ollama.dmg',
  'OllamaSetup.exe',
  'ollama-darwin.tgz',
  'ollama-linux-amd64-rocm.tar.zst',
  'ollama-linux-amd64.tar.zst',
  'ollama-linux-arm64-jetpack6.tar.zst',
  'ollama-linux-arm64.tar.zst',
  'ollama-windows-amd64-rocm.zip',
  'ollama-windows-amd64.zip',
  'ollama-windows-arm64.zip',
  'sha256sum.txt',
];

it.each([
  ['linux', 'x64', 'ollama-linux-amd64.tar.zst'],
  ['linux', 'arm64', 'ollama-linux-arm64.tar.zst'],
  ['darwin', 'arm64', 'ollama-darwin.tgz'],
  ['win32', 'x64', 'ollama-windows-amd64.zip'],
  ['win32', 'arm64', 'ollama-windows-arm64.zip'],
  ['linux', 'ia32', undefined],
  ['freebsd', 'x64', undefined],
] as const)('Ollama on %s %s is %s', (platform, arch, name) => {
  expect(picks(ollamaAsset({ platform, arch }), ollamaNames)).toBe(name);
});

it('takes the older archive of Ollama where there is no newer one', () => {
  expect(picks(ollamaAsset({ platform: 'linux', arch: 'x64' }), ['ollama-linux-amd64.tgz'])).toBe(
    'ollama-linux-amd64.tgz',
  );
});

const llamaNames = [
  'cudart-llama-bin-win-cuda-12.4-x64.zip',
  'llama-b12000-bin-macos-arm64.tar.gz',
  'llama-b12000-bin-macos-x64.tar.gz',
  'llama-b12000-bin-ubuntu-vulkan-x64.tar.gz',
  'llama-b12000-bin-ubuntu-x64.tar.gz',
  'llama-b12000-bin-ubuntu-arm64.tar.gz',
  'llama-b12000-bin-win-cpu-arm64.zip',
  'llama-b12000-bin-win-cpu-x64.zip',
  'llama-b12000-xcframework.zip',
];

it.each([
  ['linux', 'x64', 'llama-b12000-bin-ubuntu-x64.tar.gz'],
  ['linux', 'arm64', 'llama-b12000-bin-ubuntu-arm64.tar.gz'],
  ['darwin', 'arm64', 'llama-b12000-bin-macos-arm64.tar.gz'],
  ['win32', 'x64', 'llama-b12000-bin-win-cpu-x64.zip'],
  ['linux', 'riscv64', undefined],
  ['aix', 'x64', undefined],
] as const)('llama-server on %s %s is %s', (platform, arch, name) => {
  expect(picks(llamaAsset({ platform, arch }), llamaNames)).toBe(name);
});

it('reads a list of checksums, and takes none of a file that only looks alike', () => {
  const digest = 'A'.repeat(64);
  const list = `${'b'.repeat(64)}  ./file.tgz.sig\n${digest}  ./file.tgz\n${'c'.repeat(64)} *other.zip\nnonsense\n`;
  expect(digestInList(list, 'file.tgz')).toBe(digest.toLowerCase());
  expect(digestInList(list, 'other.zip')).toBe('c'.repeat(64));
  expect(digestInList(list, 'tgz')).toBeNull();
});
