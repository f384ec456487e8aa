import * as z from 'zod';

/** Answers of Ollama's administration routes; what is not read here is not looked at. */
const count = z.number().int().nonnegative();
const details = z
  .object({
    family: z.string().catch(''),
    parameter_size: z.string().catch(''),
    quantization_level: z.string().catch(''),
  })
  .catch({ family: '', parameter_size: '', quantization_level: '' });

export const versionSchema = z.object({ version: z.string().min(1).max(100) });

export const tagsSchema = z.object({
  models: z
    .array(
      z.object({
        name: z.string().min(1).max(500),
        modified_at: z.string().catch(''),
        size: count.catch(0),
        digest: z.string().max(200).catch(''),
        details,
        /** Set for models that run on Ollama's own machines and not here. */
        remote_host: z.string().optional().catch(undefined),
      }),
    )
    .nullable(),
});
export type TagRow = NonNullable<z.infer<typeof tagsSchema>['models']>[number];

export const psSchema = z.object({
  models: z
    .array(
      z.object({
        name: z.string().min(1).max(500),
        size: count.catch(0),
        digest: z.string().max(200).catch(''),
        expires_at: z.string().catch(''),
        context_length: count.optional().catch(undefined),
      }),
    )
    .nullable(),
});
export type PsRow = NonNullable<z.infer<typeof psSchema>['models']>[number];

export const showSchema = z.object({
  capabilities: z.array(z.string()).nullish().catch(null),
  template: z.string().nullish().catch(null),
  model_info: z.record(z.string(), z.unknown()).nullish().catch(null),
  tensors: z
    .array(z.object({ name: z.string(), type: z.string().catch(''), shape: z.array(z.number()).catch([]) }))
    .nullish()
    .catch(null),
  details,
});
export type ShowAnswer = z.infer<typeof showSchema>;

const progressLine = z.object({
  status: z.string().catch(''),
  digest: z.string().optional().catch(undefined),
  total: count.optional().catch(undefined),
  completed: count.optional().catch(undefined),
  error: z.union([z.string(), z.object({ message: z.string() })]).optional(),
});

/** How far a pull or a creation is. */
export interface OllamaProgress {
  readonly status: string;
  readonly digest: string | null;
  readonly receivedBytes: number | null;
  readonly totalBytes: number | null;
}

export type ProgressLine =
  | { readonly kind: 'progress'; readonly progress: OllamaProgress }
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'other' };

/** What one line of a streamed answer says. An error may come in any line, under status 200. */
export function parseProgress(line: string): ProgressLine {
  const parsed = progressLine.safeParse(jsonOf(line));
  if (!parsed.success) return { kind: 'other' };
  const { status, digest, total, completed, error } = parsed.data;
  if (error !== undefined) return { kind: 'error', message: typeof error === 'string' ? error : error.message };
  const receivedBytes = completed ?? (total === undefined ? null : 0);
  return { kind: 'progress', progress: { status, digest: digest ?? null, receivedBytes, totalBytes: total ?? null } };
}

/** The sentence in an answer of failure; null when it has none. */
export function errorIn(body: string): string | null {
  const line = parseProgress(body.trim());
  return line.kind === 'error' ? line.message.slice(0, 500) : null;
}

/** Undefined for what is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
