/** A loaded model, as far as its rest is concerned. Times are milliseconds. */
export interface RestingModel {
  readonly isDefault: boolean;
  readonly pinned: boolean;
  /** It is loaded, unloaded or switched to at this moment. */
  readonly isBusy: boolean;
  readonly inFlight: number;
  /** Engines that somebody else runs keep what they like. */
  readonly isOurs: boolean;
  /** Null: it is never unloaded for being idle. */
  readonly keepAliveMinutes: number | null;
  readonly lastUsedMs: number;
}

/** Whether a model has rested long enough to be unloaded. */
export function hasRested(model: RestingModel, nowMs: number): boolean {
  if (model.isDefault || model.pinned || model.isBusy || !model.isOurs) return false;
  if (model.inFlight > 0 || model.keepAliveMinutes === null) return false;
  return nowMs - model.lastUsedMs >= model.keepAliveMinutes * 60_000;
}
