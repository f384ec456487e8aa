import type { CallerDialect, InfoRoute, Surface } from '../surface.ts';
import { decodeMessages, type Purpose } from './decode.ts';
import { anthropicError, errorEventAnywhere, waitingEvent } from './errors.ts';
import { modelList, oneModel } from './models.ts';

function surface(purpose: Purpose): Surface {
  const made: Surface = {
    name: 'messages',
    dialect: 'anthropic',
    decode: (body) => decodeMessages(body, purpose, made),
    errorEvent: errorEventAnywhere,
    waitingEvent,
    streamType: 'text/event-stream',
  };
  return made;
}

function told(answer: InfoRoute['answer']): InfoRoute {
  return { methods: ['GET', 'HEAD'], readsBody: false, answer };
}

/**
 * The Anthropic dialect as callers speak it. Every code keeps its usual status: callers send again after 429, 503 and 529
 * alike and wait as `Retry-After` says, but some of them take a few 529 in a row as a reason to change the model.
 */
export const anthropic: CallerDialect = {
  name: 'anthropic',
  errorBody: anthropicError,
  errorStatus: () => null,
  surfaces: { '/v1/messages': surface('answer') },
  info: { '/v1/models': told(modelList), '/v1/models/': told(oneModel) },
  counting: {
    path: '/v1/messages/count_tokens',
    surface: surface('count'),
    answer: (tokens) => ({ input_tokens: tokens }),
  },
};
