import { toAppError } from '../base/errors.ts';
import { readGgufHeader, type GgufHeader } from './gguf-reader.ts';
import type { ModelFile } from './model-files.ts';

/** What came of reading a file: its header, or why it cannot be used. */
export interface Examined {
  readonly header: GgufHeader | null;
  readonly problem: string | null;
}

/** Reads the header of a file and of its other parts. Never rejects. */
export async function examine(file: ModelFile): Promise<Examined> {
  if (file.problem !== null) return { header: null, problem: file.problem };
  try {
    const header = await readGgufHeader(file.path, file.otherParts);
    if (header.parameters > 0) return { header, problem: null };
    return { header: null, problem: 'It has no weights: a vocabulary alone is no model.' };
  } catch (error) {
    return { header: null, problem: toAppError(error).message };
  }
}
