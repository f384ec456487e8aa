import type { NodeModel } from '../placement/node-models.ts';
import type { LoadOptions } from '../engine.ts';

/** The operator's options of one model, as `models.options` has them. */
export interface ModelOptions {
  readonly contextLength?: number | 'auto' | undefined;
  readonly parallel?: number | 'auto' | undefined;
  readonly kvType?: 'f16' | 'q8_0' | 'q4_0' | undefined;
  /** Null: never unloaded for being idle. */
  readonly keepAliveMinutes?: number | null | undefined;
  readonly preload?: boolean | undefined;
  readonly pinned?: boolean | undefined;
}
export type OptionsByName = Readonly<Record<string, ModelOptions>>;

/** The options of a model: those under its id, else those under the name that its variants share. */
export function optionsFor(model: Pick<NodeModel, 'id' | 'group'>, options: OptionsByName): ModelOptions {
  const entries = Object.entries(options);
  const under = (name: string): ModelOptions | undefined => entries.find(([key]) => key.toLowerCase() === name)?.[1];
  return under(model.id.toLowerCase()) ?? under(model.group) ?? {};
}

/** How the model is to be loaded. */
export function loadOptionsOf({ contextLength, parallel, kvType }: ModelOptions): LoadOptions {
  return { contextLength: contextLength ?? 'auto', parallel: parallel ?? 'auto', kvType: kvType ?? null };
}
