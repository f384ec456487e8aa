import type { Dialect } from '../dialect.ts';
import { decodeRequest } from './decode.ts';
import { listModels } from './encode.ts';
import { openAiError, openAiErrorEvent } from './errors.ts';

export const openAiDialect: Dialect = {
  name: 'openai',
  decode: decodeRequest,
  errorBody: openAiError,
  errorEvent: openAiErrorEvent,
  waitingEvent: (sentence) => `: ${sentence}\n\n`,
  modelList: (upstreams) => ({ object: 'list', data: listModels(upstreams) }),
  model: (upstreams, id) => listModels(upstreams).find((model) => model.id === id),
};
