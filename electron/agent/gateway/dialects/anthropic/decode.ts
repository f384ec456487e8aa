import type { Priority } from '../../../../contract/routing.ts';
import { invalidField, pick } from '../fields.ts';
import { isObject, parseBody, type Json, type JsonObject } from '../json.ts';
import type { ChatQuery, OutputShape, Sampling, Turn } from '../query.ts';
import type { Decoded, Surface } from '../surface.ts';
import { systemText } from './content.ts';
import { ignore, need, type Findings } from './findings.ts';
import { bodyForProvider } from './received-message.ts';
import { answerFields, extraFields, promptFields, refuse, structuredFields } from './schema.ts';
import { readTools } from './tools.ts';
import { readMessages } from './turns.ts';
import { MessageWriter } from './message-writer.ts';

/** What is asked: for an answer, which must be limited, or only for the number of tokens. */
export type Purpose = 'answer' | 'count';

/**
 * Reads a body of `POST /v1/messages`, or of the route that only counts its tokens.
 *
 * @throws AppError `invalid_request` or `unsupported_capability`, naming the field
 */
export function decodeMessages(body: Buffer, purpose: Purpose, surface: Surface): Decoded {
  const received = parseBody(body);
  refuse(received);
  const findings: Findings = { ignored: new Set(), needs: new Map([['chat', 'messages']]) };
  const fields = { ...promptFields, ...answerFields };
  const required = purpose === 'answer' ? ['model', 'max_tokens'] : ['model'];
  const picked = pick(received, fields, required, '');
  const model = picked['model'];
  if (typeof model !== 'string' || model === '') throw invalidField('model', 'must name a model');
  const query = readQuery(received, picked, findings);
  const extras = readExtras(received, picked, findings);
  nameUnknown(received, findings);
  return {
    surface,
    operation: 'chat',
    model,
    stream: picked['stream'] === true,
    query,
    needs: findings.needs,
    ignored: [...findings.ignored],
    priority: priorityOf(picked['priority']),
    extras,
    received: bodyForProvider(received),
    passes: true,
    writer: (facts) => new MessageWriter(facts),
  };
}

function readQuery(received: JsonObject, picked: JsonObject, findings: Findings): ChatQuery {
  const turns: Turn[] = [];
  const system = received['system'];
  if (system !== undefined && system !== null) {
    const text = systemText(system, 'system', findings);
    if (text !== '') turns.push({ role: 'system', text });
  }
  turns.push(...readMessages(received['messages'], findings));
  const { tools, choice, parallelCalls } = readTools(received, findings);
  const stop = picked['stop_sequences'];
  return {
    operation: 'chat',
    turns,
    tools,
    toolChoice: choice,
    parallelCalls,
    shape: shapeOf(picked, findings),
    thinking: thinkingOf(picked['thinking']),
    sampling: samplingOf(picked),
    stop: Array.isArray(stop) ? stop.filter((text): text is string => typeof text === 'string') : [],
    maxTokens: numberOf(picked['max_tokens']) ?? null,
    logprobs: null,
    keepAlive: null,
  };
}

function samplingOf(picked: JsonObject): Sampling {
  const temperature = numberOf(picked['temperature']);
  const topP = numberOf(picked['top_p']);
  const topK = numberOf(picked['top_k']);
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    // None is the provider's way to say that this limit is not wanted, as leaving it out is.
    ...(topK !== undefined && topK > 0 && { topK }),
  };
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** Where the model itself is to decide, as with "adaptive", nothing is wished. */
function thinkingOf(value: Json | undefined): boolean | null {
  if (!isObject(value)) return null;
  if (value['type'] === 'enabled') return true;
  return value['type'] === 'disabled' ? false : null;
}

/** The form of the answer, under its present name or the one that it had before. */
function shapeOf(picked: JsonObject, findings: Findings): OutputShape {
  const config = picked['output_config'];
  const current = isObject(config) ? config['format'] : undefined;
  const format = current ?? picked['output_format'];
  if (!isObject(format) || !isObject(format['schema'])) return { kind: 'text' };
  need(findings, 'json', current === undefined ? 'output_format' : 'output_config.format');
  return { kind: 'schema', name: 'answer', schema: format['schema'], strict: true };
}

function priorityOf(value: Json | undefined): Priority | null {
  return value === 'low' || value === 'normal' || value === 'high' ? value : null;
}

/** Of no use to other upstreams than those of this dialect, and harmless to lose: their form is not insisted on. */
function readExtras(received: JsonObject, picked: JsonObject, findings: Findings): JsonObject {
  const extras: Record<string, Json> = {};
  if (isObject(picked['thinking'])) extras['thinking'] = picked['thinking'];
  const config = picked['output_config'];
  if (isObject(config) && config['effort'] !== undefined) extras['output_config.effort'] = config['effort'];
  for (const name of extraFields) {
    const value = received[name];
    if (value === undefined || value === null) continue;
    const kept = name === 'metadata' ? userOf(value) : value;
    if (isObject(kept) || (typeof kept === 'string' && kept.length <= 64)) extras[name] = kept;
    else ignore(findings, name);
  }
  return extras;
}

function userOf(metadata: Json): JsonObject | null {
  const user = isObject(metadata) ? metadata['user_id'] : null;
  return typeof user === 'string' && user.length <= 4096 ? { user_id: user } : null;
}

function nameUnknown(received: JsonObject, findings: Findings): void {
  const known = new Set<string>([
    ...Object.keys(promptFields),
    ...Object.keys(answerFields),
    ...structuredFields,
    ...extraFields,
    'container',
    'mcp_servers',
  ]);
  for (const name of Object.keys(received)) {
    if (!known.has(name) && received[name] !== null) ignore(findings, name);
  }
}
