import type { CatalogModel } from '../../models/catalog-model.ts';

/** A model that was made to turn text into vectors, and writes none. */
export function onlyEmbeds(file: Pick<CatalogModel, 'capabilities'>): boolean {
  return (
    file.capabilities.includes('embedding') &&
    !file.capabilities.some((name) => name === 'completion' || name === 'chat')
  );
}
