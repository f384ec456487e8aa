import { AppError } from '../../../base/errors.ts';
import { quotable } from '../../../base/quotable.ts';
import type { ServedModel } from '../../../inference/upstream.ts';
import type { InfoRequest, OfferedModel } from '../surface.ts';

/** A model as `GET /v1/models` lists it. */
export interface AnthropicModel {
  readonly type: 'model';
  readonly id: string;
  readonly display_name: string;
  /** RFC 3339. */
  readonly created_at: string;
  readonly max_input_tokens: number | null;
  readonly max_tokens: number | null;
  readonly capabilities: object | null;
}

/** All models and names on one page: there are never so many that callers need more. */
export function modelList(request: InfoRequest): object {
  const data = request.models().map((each) => describe(each, request.nowMs));
  return {
    data,
    has_more: false,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}

/** @throws AppError `model_not_found` */
export function oneModel(request: InfoRequest): object {
  const found = request.find(request.id ?? '');
  if (found !== null) return describe(found, request.nowMs);
  const name = quotable(request.id ?? '', 200);
  throw new AppError(
    'model_not_found',
    `The model "${name}" is not on this node. GET /v1/models lists those that are.`,
  );
}

/** A name tells of the model that is behind it at this moment. */
function describe({ id, model }: OfferedModel, nowMs: number): AnthropicModel {
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: new Date(model ? Math.trunc(model.createdAtS) * 1000 : nowMs).toISOString(),
    max_input_tokens: model?.contextLength ?? null,
    // Whatever is left of the context after the prompt.
    max_tokens: model?.contextLength ?? null,
    capabilities: model ? capabilitiesOf(model) : null,
  };
}

function capabilitiesOf(model: ServedModel): object {
  const can = (supported: boolean): object => ({ supported });
  const thinks = model.details?.thinks === true;
  return {
    batch: can(false),
    citations: can(false),
    code_execution: can(false),
    context_management: {
      supported: false,
      clear_thinking_20251015: null,
      clear_tool_uses_20250919: null,
      compact_20260112: null,
    },
    effort: { supported: false, low: can(false), medium: can(false), high: can(false), xhigh: null, max: can(false) },
    image_input: can(model.capabilities.includes('vision')),
    pdf_input: can(false),
    server_tools: { supported: false, code_execution: can(false), web_search: can(false) },
    structured_outputs: can(model.capabilities.includes('json')),
    thinking: {
      supported: thinks,
      types: { adaptive: can(thinks), enabled: can(thinks), disabled: can(true), between_tools: can(false) },
    },
  };
}
