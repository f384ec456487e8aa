import { isObject, type Json, type JsonObject } from '../dialects/json.ts';

/**
 * Whether the answer may have thinking in it that is billed as output and never shown: the request allows it, or the model
 * thinks without being asked. In doubt it may.
 */
export function mayThinkUnseen(received: JsonObject, model: string): boolean {
  return thinksUnasked(model) || asksForIt(received);
}

/** The fields by which the dialects, and providers that speak them, are told to think. */
function asksForIt(received: JsonObject): boolean {
  const { thinking, reasoning, output_config: config, extra_body: extra } = received;
  const google = isObject(extra) ? extra['google'] : null;
  const template = received['chat_template_kwargs'];
  return (
    isWish(received['reasoning_effort']) ||
    isWish(received['think']) ||
    isWish(received['enable_thinking']) ||
    isWish(received['thinking_budget']) ||
    isWish(received['thinking_token_budget']) ||
    received['prompt_mode'] === 'reasoning' ||
    (isObject(thinking) && thinking['type'] !== 'disabled') ||
    (isObject(reasoning) && reasoning['enabled'] !== false && reasoning['effort'] !== 'none') ||
    (isObject(config) && isWish(config['effort'])) ||
    (isObject(template) && isWish(template['enable_thinking'] ?? template['thinking'])) ||
    (isObject(google) && isObject(google['thinking_config']))
  );
}

function isWish(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== 'none' && value !== 0;
}

/**
 * Models that think by default, by the names that their makers give them; some of them cannot be kept from it, so that a
 * request that says so changes nothing. As of November 2026: OpenAI's o series, GPT-5 and later and gpt-oss; Gemini 2.5
 * and later; Grok 4 and later and those for code; Claude 5 and later, Fable and Mythos; and whatever is called so.
 */
const thinkers: readonly RegExp[] = [
  /^o\d/,
  /^(?:chat)?gpt-(?:[5-9]|1\d|oss)/,
  /^gemini-(?:2\.5|[3-9]|1\d|.*latest)/,
  /^grok-(?:[4-9]|1\d|3-mini|code|build)/,
  /^claude-(?:fable|mythos|[a-z]+-(?:[5-9]|1\d)(?!\d))/,
  /(?:^|[-_.:])(?:reason(?:er|ing)|think(?:er|ing)|r1|qwq)(?:$|[-_.:])/,
];

function thinksUnasked(model: string): boolean {
  const name = model.slice(model.lastIndexOf('/') + 1).toLowerCase();
  return !/non-(?:reasoning|thinking)/.test(name) && thinkers.some((form) => form.test(name));
}
