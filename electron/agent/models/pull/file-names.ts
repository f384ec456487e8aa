import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, systemErrorCode } from '../../base/errors.ts';

const splitEnd = /-(\d{5})-of-(\d{5})$/;
/** Names of files that say nothing of the model in them. */
const sayingNothing =
  /^(?:ggml|gguf|model|weights|ggml-model|consolidated|unsloth)?(?:[-._]?(?:ud[-_])?(?:i?q\d(?:_[a-z0-9]+)*|tq\d_\d|i2_s|tl[12]|bf16|f16|f32|fp16|mxfp4))?$/i;
/** Names that Windows keeps for devices, with any ending. */
const devices = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;
const longestStem = 150;

/**
 * A file's stem made of letters, digits, dot, dash and underline only, whatever the text: no way up, no device, no
 * hidden file.
 */
export function safeStem(text: string): string {
  const cleaned = text
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[-._]+|[-._]+$/g, '')
    .slice(-longestStem)
    .replace(/^[-._]+/, '');
  return devices.test(cleaned) || cleaned === '' ? `model-${cleaned}`.replace(/-$/, '') : cleaned;
}

/** What becomes of the files of one model: a stem, and for each part of a split set its ending. */
export interface NamedFiles {
  readonly stem: string;
  /** The same with who made it in front, for when another model has the stem. */
  readonly ownStem: string;
  /** `.gguf`, or `-00001-of-00003.gguf` and so on. */
  readonly endings: readonly string[];
}

/**
 * Names for files that come from `sources` (paths or addresses, in order of the parts). `owner` and `title` are used
 * where the name of the file says too little.
 *
 * @throws AppError `model_unusable` when the parts do not belong together
 */
export function nameFiles(sources: readonly string[], maker: { owner: string; title: string }): NamedFiles {
  const stems = sources.map((source) => path.posix.basename(source.replaceAll('\\', '/')).replace(/\.gguf$/i, ''));
  const [first = ''] = stems;
  const whole = first.replace(splitEnd, '');
  const spoken = sayingNothing.test(whole)
    ? joined(maker.title.replace(/[-_.]?gguf$/i, ''), quantizationEnd(whole))
    : whole;
  const stem = safeStem(spoken);
  const endings = stems.map((each, index) => {
    const match = splitEnd.exec(each);
    if (stems.length === 1 && !match) return '.gguf';
    if (
      !match ||
      Number(match[1]) !== index + 1 ||
      Number(match[2]) !== stems.length ||
      each.replace(splitEnd, '') !== whole
    ) {
      throw new AppError('model_unusable', 'The parts of the model do not belong together. Choose another source.');
    }
    return `${match[0]}.gguf`;
  });
  return { stem, ownStem: safeStem(joined(maker.owner, stem)), endings };
}

/** Every part of the set that a file's name says it is one of; the file alone where it is not split. */
export function partsOfSet(file: string): string[] {
  const match = /-(\d{5})-of-(\d{5})(\.gguf)$/i.exec(file);
  if (!match) return [file];
  const [whole, , total = '', ending = ''] = match;
  const count = Number(total);
  if (count === 0 || count > 999) {
    throw new AppError('model_unusable', 'The file says that it is one of more parts than a model has.');
  }
  const stem = file.slice(0, -whole.length);
  return Array.from(
    { length: count },
    (_, index) => `${stem}-${String(index + 1).padStart(5, '0')}-of-${total}${ending}`,
  );
}

/**
 * The full path for a file directly in the models folder, as the list of models has it: where a link leads to the
 * folder, through the link.
 *
 * @throws AppError `forbidden` when it would be anywhere else
 */
export function pathInside(folder: string, name: string): string {
  const holder = path.resolve(folder);
  const inside = path.join(holder, name);
  const plain = name === path.basename(name) && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && !name.includes('..');
  if (!plain || path.dirname(inside) !== holder) {
    throw new AppError('forbidden', 'The file would land outside the models folder, so it is refused.');
  }
  return inside;
}

/** What is at a path: a link is told as one, and never followed. */
export async function whatIsAt(
  file: string,
): Promise<{ kind: 'file'; sizeBytes: number } | { kind: 'other' | 'nothing' }> {
  try {
    const found = await lstat(file);
    return found.isFile() ? { kind: 'file', sizeBytes: found.size } : { kind: 'other' };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { kind: 'nothing' };
    throw error;
  }
}

function quantizationEnd(stem: string): string {
  return /(?:ud[-_])?(?:i?q\d(?:_[a-z0-9]+)*|tq\d_\d|i2_s|tl[12]|bf16|f16|f32|fp16|mxfp4)$/i.exec(stem)?.[0] ?? '';
}

const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join('-');
