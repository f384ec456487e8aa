import type { CallerDialect } from '../surface.ts';
import { chatSurface } from './chat-surface.ts';
import { completionSurface } from './completion-surface.ts';
import { embeddingSurface } from './embedding-surface.ts';
import { openAiError } from './errors.ts';
import { modelList, oneModel } from './model-list.ts';
import { responsesSurface } from './responses-surface.ts';

/** The OpenAI API as callers speak it. */
export const openAi: CallerDialect = {
  name: 'openai',
  errorBody: openAiError,
  errorStatus: () => null,
  surfaces: {
    '/v1/chat/completions': chatSurface,
    '/v1/completions': completionSurface,
    '/v1/embeddings': embeddingSurface,
    '/v1/responses': responsesSurface,
  },
  info: {
    '/v1/models': modelList,
    '/v1/models/': oneModel,
  },
};
