import type { ModelDetails } from '../inference/upstream.ts';
import type { CatalogModel } from '../models/catalog-model.ts';

/** What a chat template has in it where the model's thinking has a place of its own. */
const thinkingMarks = /<think>|enable_thinking|reasoning_content|<\|channel\|>|\bthinking\b/;

/** Whether the model behind a chat template (in Jinja's words or Ollama's) thinks aloud; null without a template. */
export function thinksBy(template: string | null): boolean | null {
  return template === null || template === '' ? null : thinkingMarks.test(template);
}

/** The 64 digits of `sha256:…`; null for anything else. */
export function sha256In(digest: string | null): string | null {
  return /^(?:sha256[:-])?([0-9a-f]{64})$/i.exec(digest ?? '')?.[1]?.toLowerCase() ?? null;
}

/** What the catalogue read out of a file's header, for lists of models. */
export function detailsOf(file: CatalogModel): ModelDetails {
  const { header, shape } = file;
  return {
    architecture: header?.architecture ?? null,
    quantization: header?.quantization ?? null,
    parameterCount: header?.parameters ?? null,
    sha256: sha256In(file.digest),
    trainedContextLength: header?.contextLength ?? shape?.contextLength ?? null,
    blockCount: header?.blockCount ?? null,
    embeddingLength: header?.embeddingLength ?? null,
    headCount: header?.headCount ?? null,
    headCountKv: header?.headCountKv ?? null,
    hasTemplate: header?.hasChatTemplate ?? null,
    thinks: header === null ? null : thinksBy(header.use.chatTemplate),
  };
}
