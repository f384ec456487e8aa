import { AppError } from '../../../base/errors.ts';
import { isObject, type Json } from '../json.ts';
import type { Answer, ToolCall } from '../query.ts';
import { addTold, nothingTold, usageOf } from './upstream-usage.ts';
import { toldFailure } from './upstream-failure.ts';
import { finishOf } from './wire.ts';

/** Reads the body of an answer of `POST /v1/messages` that is not streamed. @throws AppError `upstream_failed` */
export function readMessage(body: Json): Answer {
  if (isObject(body) && body['type'] === 'error') throw toldFailure(body['error']);
  const content = isObject(body) ? body['content'] : null;
  if (!isObject(body) || !Array.isArray(content)) {
    throw new AppError('upstream_failed', 'The upstream answered with something else than a message. Send it again.');
  }
  const blocks = content.filter(isObject);
  const calls: ToolCall[] = blocks
    .filter((block) => block['type'] === 'tool_use')
    .map((block, index) => ({
      id: textOrNull(block['id']) ?? `toolu_${index}`,
      name: textOrNull(block['name']) ?? '',
      argumentsText: JSON.stringify(block['input'] ?? {}),
    }));
  const reasoning = joined(blocks, 'thinking', 'thinking');
  return {
    id: textOrNull(body['id']),
    model: textOrNull(body['model']),
    text: joined(blocks, 'text', 'text'),
    reasoning: reasoning === '' ? null : reasoning,
    calls,
    finish: finishOf(textOrNull(body['stop_reason']) ?? (calls.length > 0 ? 'tool_use' : 'end_turn')),
    stopSequence: textOrNull(body['stop_sequence']),
    logprobs: null,
    usage: usageOf(addTold(nothingTold, body['usage'])),
    timings: null,
  };
}

function joined(blocks: readonly Readonly<Record<string, Json>>[], type: string, field: string): string {
  return blocks
    .filter((block) => block['type'] === type)
    .map((block) => textOrNull(block[field]) ?? '')
    .join('');
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
