import type { Capability } from '../../inference/upstream.ts';
import { isRecord } from '../process-engine/small-request.ts';

/** What a server of llama.cpp's family tells of itself at `/props`, in the shapes of October 2024 and of today. */
export interface ServerProps {
  /** Tokens of each slot. */
  readonly contextLength: number | null;
  readonly slots: number;
  readonly modelPath: string | null;
  /** Such as "b11434-e52aba53". */
  readonly build: string | null;
  readonly tools: boolean;
  readonly vision: boolean;
  /** Answers can be held to a grammar, and so to JSON. */
  readonly grammar: boolean;
}

/** Null when the answer is no such server's. */
export function readProps(json: unknown): ServerProps | null {
  if (!isRecord(json) || !isCount(json['total_slots'])) return null;
  const settings = isRecord(json['default_generation_settings']) ? json['default_generation_settings'] : {};
  const { n_ctx: contextLength } = settings;
  const modalities = isRecord(json['modalities']) ? json['modalities'] : {};
  return {
    contextLength: isCount(contextLength) ? contextLength : null,
    slots: json['total_slots'],
    modelPath: textOf(json['model_path']) ?? textOf(settings['model']),
    build: textOf(json['build_info']),
    tools: toolsOf(json),
    vision: modalities['vision'] === true,
    // Servers with a `params` object are of 2025 or later, and all of them know grammars.
    grammar: isRecord(settings['params']) || typeof settings['grammar'] === 'string',
  };
}

/** Newer servers say whether the model's template takes tools; of older ones the template itself tells. */
function toolsOf(json: Readonly<Record<string, unknown>>): boolean {
  const told = json['chat_template_caps'];
  if (isRecord(told) && typeof told['supports_tools'] === 'boolean') return told['supports_tools'];
  // Those without `modalities` are too old to parse a call out of an answer.
  return isRecord(json['modalities']) && (textOf(json['chat_template'])?.includes('tools') ?? false);
}

/** What the model can do there. `embeds`: whether the server made a vector of a word. */
export function capabilitiesOf(
  props: ServerProps,
  model: { readonly generates: boolean; readonly embeds: boolean },
): Capability[] {
  const all: [Capability, boolean][] = [
    ['chat', model.generates],
    ['completion', model.generates],
    ['embedding', model.embeds],
    ['tools', model.generates && props.tools],
    ['vision', model.generates && props.vision],
    ['json', model.generates && props.grammar],
    ['logprobs', model.generates],
  ];
  return all.flatMap(([capability, has]) => (has ? [capability] : []));
}

/** Version for people out of a build text: "b0-unknown" tells nothing. */
export function buildName(build: string | null): string | null {
  const number = Number(/^b(\d+)/.exec(build ?? '')?.[1] ?? 0);
  return number > 1 ? `b${number}` : null;
}

/** Tokens read and written since the start, from `/metrics`; null when it is not that page. */
export function tokensOf(metrics: string): number | null {
  const figures = ['prompt_tokens_total', 'tokens_predicted_total', 'n_decode_total'].map((name) =>
    Number(new RegExp(`^llamacpp:${name}\\s+([\\d.eE+]+)\\s*$`, 'm').exec(metrics)?.[1] ?? Number.NaN),
  );
  const told = figures.filter(Number.isFinite);
  return told.length === 0 ? null : told.reduce((total, figure) => total + figure, 0);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
