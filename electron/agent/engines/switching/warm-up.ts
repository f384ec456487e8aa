import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { InferenceRequest, Operation } from '../../inference/request.ts';
import type { Capability, Upstream } from '../../inference/upstream.ts';
import type { WireResponse } from '../../inference/wire-response.ts';

/** One token of a model in memory takes seconds even on a slow machine; the first one may read the whole file again. */
const limitMs = 180_000;
const mostBytes = 4 * 1024 * 1024;

/** A model as its engine names it, with what it can do. */
export interface WarmUpTarget {
  readonly modelId: string;
  readonly capabilities: readonly Capability[];
}

/**
 * Has a model that was just loaded answer once, with one token. Resolves when it did: a process that listens and a
 * model that answers are two things.
 *
 * @throws AppError `model_unusable` when it does not, `caller_gone` when aborted
 */
export async function warmUp(
  upstream: Upstream,
  target: WarmUpTarget,
  signal: AbortSignal,
  { clock }: { clock: Clock },
): Promise<void> {
  const operation = operationFor(target.capabilities);
  const late = new AbortController();
  const cancel = clock.after(limitMs, () => late.abort());
  try {
    const either = AbortSignal.any([signal, late.signal]);
    const response = await upstream.generate(requestFor(target.modelId, operation), either);
    const text = await textOf(response, either);
    if (response.status !== 200 || !isAnswer(text, operation)) {
      throw new AppError(
        'model_unusable',
        `It was loaded, but answers a short request with an error (status ${response.status}).`,
      );
    }
  } catch (error) {
    if (late.signal.aborted && !signal.aborted) {
      throw new AppError('model_unusable', `It was loaded, but gave no answer within ${limitMs / 60_000} minutes.`);
    }
    throw error;
  } finally {
    cancel();
  }
}

function operationFor(capabilities: readonly Capability[]): Operation {
  if (capabilities.includes('completion')) return 'completion';
  return capabilities.includes('embedding') && !capabilities.includes('chat') ? 'embedding' : 'chat';
}

function requestFor(model: string, operation: Operation): InferenceRequest {
  const text = 'Hello';
  const bodies: Record<Operation, object> = {
    completion: { model, prompt: text, max_tokens: 1, stream: false },
    chat: { model, messages: [{ role: 'user', content: text }], max_tokens: 1, stream: false },
    embedding: { model, input: text },
  };
  const body = Buffer.from(JSON.stringify(bodies[operation]));
  return { trace: 'warm-up', operation, model, stream: false, dialect: 'openai', body };
}

function isAnswer(text: string, operation: Operation): boolean {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null) return false;
    const parts = operation === 'embedding' ? 'data' in answer && answer.data : 'choices' in answer && answer.choices;
    return Array.isArray(parts) && parts.length > 0;
  } catch {
    return false;
  }
}

async function textOf(response: WireResponse, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // A body that was given up says nothing more.
  const onAbort = (): void => reject(new AppError('caller_gone', 'The first short request was given up.'));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const parts: Buffer[] = [];
  let size = 0;
  response.body.pipe({
    raw: () => true,
    payload: (bytes, start, end) => {
      size += end - start;
      if (size <= mostBytes) parts.push(bytes.subarray(start, end));
      else reject(new AppError('model_unusable', 'It was loaded, but its answer to a short request has no end.'));
    },
    end: () => resolve(Buffer.concat(parts).toString('utf8')),
    fail: reject,
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
