import { AppError } from '../../base/errors.ts';
import { partsOfSet } from './file-names.ts';

/** A file as a repository on Hugging Face lists it. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** 64 hex digits; null for files that the repository keeps without a digest of their content. */
  readonly digest: string | null;
}

/** A model in a repository: one file, or the parts of one. */
export interface HubVariant {
  /** Upper case, such as Q4_K_M or UD-Q4_K_XL; null where the names do not tell. */
  readonly quantization: string | null;
  readonly files: readonly HubFile[];
  readonly sizeBytes: number;
}

const quantizationPattern =
  /(?<![A-Za-z0-9])((?:ud[-_])?(?:i?q\d(?:_[a-z0-9]+)*|tq\d_\d|i2_s|tl[12]|bf16|f16|f32|fp16|mxfp4(?:_moe)?))(?![A-Za-z0-9])/gi;
/** Parts of models that are no models: picture encoders, importance matrices, drafts of adapters. */
const notAModel = /(?:^|[-._/])(?:mmproj|imatrix|lora|control[-_]vector)(?:[-._/]|$)/i;

/** When none is asked for: the usual one, then what is nearest to it in size and quality. */
const usualOrder = [
  'Q4_K_M', 'UD-Q4_K_XL', 'Q4_K_S', 'IQ4_XS', 'IQ4_NL', 'Q4_K_L', 'Q4_K', 'MXFP4', 'MXFP4_MOE', 'Q4_0', 'Q4_1', 'Q5_K_M', 'Q5_K_S', 'Q5_0',
  'Q6_K', 'Q8_0', 'I2_S', 'TQ2_0', 'TQ1_0', 'Q3_K_L', 'Q3_K_M', 'IQ3_M', 'Q3_K_S', 'Q2_K', 'BF16', 'F16', 'F32',
]; // prettier-ignore

/** The last quantization that a path names, upper case; null when it names none. */
export function quantizationIn(path: string): string | null {
  const found = [...path.replace(/\.gguf$/i, '').matchAll(quantizationPattern)].at(-1)?.[1];
  if (found === undefined) return null;
  const name = found.toUpperCase().replace(/^UD_/, 'UD-');
  return name === 'FP16' ? 'F16' : name;
}

/** The models among a repository's files. Sets with a part missing are left out. */
export function hubVariants(files: readonly HubFile[]): HubVariant[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const variants: HubVariant[] = [];
  for (const file of files) {
    if (!/\.gguf$/i.test(file.path) || notAModel.test(file.path)) continue;
    const paths = partsIn(file.path);
    if (paths[0] !== file.path) continue;
    const parts = paths.map((path) => byPath.get(path)).filter((part) => part !== undefined);
    if (parts.length !== paths.length) continue;
    variants.push({
      quantization: quantizationIn(file.path),
      files: parts,
      sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
    });
  }
  return variants;
}

/**
 * The model to take from a repository.
 *
 * @param wanted a quantization in any case; null for the usual one
 * @throws AppError `model_not_found` that says which there are
 */
export function chooseVariant(repo: string, variants: readonly HubVariant[], wanted: string | null): HubVariant {
  if (variants.length === 0) {
    throw new AppError(
      'model_not_found',
      `${repo} on Hugging Face has no model in the GGUF format. Look for a repository whose name ends in GGUF.`,
    );
  }
  if (wanted === null) return usualOne(variants);
  const name = wanted.toUpperCase();
  const found =
    variants.find(({ quantization }) => quantization === name) ??
    variants.find(({ quantization }) => quantization === `UD-${name}`);
  if (found) return found;
  const there = [...new Set(variants.map(({ quantization }) => quantization).filter((each) => each !== null))];
  const list =
    there.length === 0
      ? 'Its files do not say which they are; name the file.'
      : `There are: ${there.sort().join(', ')}.`;
  throw new AppError('model_not_found', `${repo} on Hugging Face has no ${name}. ${list}`);
}

function usualOne(variants: readonly HubVariant[]): HubVariant {
  for (const name of usualOrder) {
    const found = variants.find(({ quantization }) => quantization === name);
    if (found) return found;
  }
  // Names that say nothing: the smallest is what most likely fits.
  return variants.reduce((least, each) => (each.sizeBytes < least.sizeBytes ? each : least));
}

/** The parts that belong to a file; itself alone where its name claims an impossible set. */
function partsIn(path: string): string[] {
  try {
    return partsOfSet(path);
  } catch {
    return [path];
  }
}
