import * as z from 'zod';
import { describeError } from './control-http.ts';

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish(), reasoning_content: z.string().nullish() }).nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .optional(),
  usage: z.object({ completion_tokens: z.number() }).nullish(),
});

/** What one message of a streamed chat says. */
export type ChatChunk =
  | {
      readonly kind: 'delta';
      readonly text: string;
      readonly thinking: string;
      readonly finish: string | null;
      readonly completionTokens: number | null;
    }
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'end' }
  | { readonly kind: 'unreadable' };

/** Reads the data of one chat event in OpenAI's shape. */
export function parseChatChunk(data: string): ChatChunk {
  if (data.trim() === '[DONE]') return { kind: 'end' };
  const error = describeError(data);
  if (error !== null) return { kind: 'error', message: error.message };
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return { kind: 'unreadable' };
  }
  const parsed = chunkSchema.safeParse(json);
  if (!parsed.success) return { kind: 'unreadable' };
  const choice = parsed.data.choices?.[0];
  return {
    kind: 'delta',
    text: choice?.delta?.content ?? '',
    thinking: choice?.delta?.reasoning_content ?? '',
    finish: choice?.finish_reason ?? null,
    completionTokens: parsed.data.usage?.completion_tokens ?? null,
  };
}
