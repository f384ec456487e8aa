import type { Dialect } from '../../inference/request.ts';
import type { Json, JsonObject } from '../dialects/json.ts';

/**
 * Models of Anthropic's that draw their words as they see fit, by the names that it gives them: a request that says how is
 * refused whole ("`temperature` is deprecated for this model."). As of November 2026: Opus 4.7 and later, the others from
 * 5 on, and Fable and Mythos; dated names too.
 */
const drawAsTheyLike = /^claude-(?:fable|mythos|opus-4-[789](?!\d)|[a-z]+-(?:[5-9]|1\d)(?!\d))/;

const fields = ['temperature', 'top_p', 'top_k'];

/**
 * A body without the sampling that its model refuses, and the names of what was left out. Whoever asks for a virtual model
 * or a persona cannot know which model answers, and an answer drawn otherwise is better than none. Pure.
 */
export function withoutRefusedSampling(
  dialect: Dialect,
  model: string,
  body: JsonObject,
): { readonly body: JsonObject; readonly leftOut: readonly string[] } {
  if (dialect !== 'anthropic' || !drawAsTheyLike.test(model.slice(model.lastIndexOf('/') + 1))) {
    return { body, leftOut: [] };
  }
  const leftOut = fields.filter((name) => Object.hasOwn(body, name));
  if (leftOut.length === 0) return { body, leftOut };
  const kept = Object.entries(body).filter(([name]) => !leftOut.includes(name));
  return { body: Object.fromEntries<Json>(kept), leftOut };
}
