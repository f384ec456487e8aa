import type { ModelFit } from '../../../contract/snapshot.ts';
import { AppError } from '../../base/errors.ts';

export function gone(modelId: string): AppError {
  return new AppError('model_not_found', `The model ${modelId} is no longer on this node.`);
}

export function noEngine(modelId: string): AppError {
  return new AppError('engine_not_ready', `No engine that can load ${modelId} runs here. Start one, then try again.`, {
    context: { retryAfterS: null },
  });
}

export function noRoom(modelId: string, fit: ModelFit): AppError {
  const message = `There is no room for ${modelId} beside the models that are loaded. ${fit.sentence} Switch to it, or unload another one.`;
  return new AppError('engine_not_ready', message, { context: { retryAfterS: null } });
}
