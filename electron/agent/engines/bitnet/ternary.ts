import type { CatalogModel } from '../../models/catalog-model.ts';

/** Numbers of the formats with three values a weight: TQ1_0, TQ2_0, i2_s, i8_s, tl1, tl2. From `ggml.h` of the fork. */
const ternaryTypes = new Set([34, 35, 36, 37, 38]);
/** tl2 of the fork; in llama.cpp itself the number is another format's, so the architecture has to agree. */
const tl2 = 39;

export const ternaryOnly =
  'The BitNet engine runs models with ternary weights only (i2_s, tl1, tl2, TQ1_0, TQ2_0). Use Ollama, llama-server or the embedded engine for this one.';

/** Whether a model's weights are of the kind that this engine is made for. */
export function isTernary({ header }: Pick<CatalogModel, 'header'>): boolean {
  if (!header) return false;
  return [...header.tensorTypes.keys()].some(
    (type) => ternaryTypes.has(type) || (type === tl2 && header.architecture.startsWith('bitnet')),
  );
}
