import { AppError } from '../../../base/errors.ts';
import type { UpstreamDialect } from '../surface.ts';
import { MessageReader } from './message-reader.ts';
import { requestBody, unableToAsk } from './upstream-request.ts';
import { readMessage } from './whole-message.ts';

/** The Anthropic dialect as upstreams speak it: the provider, and servers that speak as it does. It only chats. */
export const anthropicUpstream: UpstreamDialect = {
  name: 'anthropic',
  encode: requestBody,
  unable: unableToAsk,
  reader: (_operation, sink) => new MessageReader(sink),
  readWhole: (_operation, body) => readMessage(body),
  readEmbeddings: () => {
    throw new AppError('upstream_failed', 'An upstream of the Anthropic dialect has no embeddings. Use another model.');
  },
};
