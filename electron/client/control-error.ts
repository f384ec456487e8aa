import { controlErrorSchema } from '../contract/control.ts';

/**
 * Any failure of a call to the agent. `code` is the agent's own code (such as `unauthorized`, `not_found`) or one of
 * the client's: `agent_not_running` (nobody listens there), `agent_silent` (no bytes in time), `connection_lost`
 * (broken off midway), `bad_answer` (not what the control API says), `agent_too_new` (an answer of a newer agent that
 * this program cannot read). `message` is for people.
 */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code: string;
  /** HTTP status of the answer; null when there was none. */
  readonly status: number | null;

  constructor(code: string, message: string, status: number | null = null) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** Any failure as a ControlError. */
export function toControlError(error: unknown): ControlError {
  if (error instanceof ControlError) return error;
  const code = systemCode(error);
  if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'EADDRNOTAVAIL') {
    return new ControlError('agent_not_running', 'No agent is running. Start one with: ranch-hand agent');
  }
  if (code !== undefined) return connectionLost();
  return new ControlError('bad_answer', error instanceof Error ? error.message : String(error));
}

export function connectionLost(): ControlError {
  return new ControlError('connection_lost', 'The connection to the agent was lost.');
}

/** The error that an answer with a failure status carries, in the control API's shape or in OpenAI's. */
export function errorOfAnswer(status: number, body: string): ControlError {
  const parsed = controlErrorSchema.safeParse(parseJson(body));
  if (parsed.success) return new ControlError(parsed.data.error.code, parsed.data.error.message, status);
  const message = messageIn(parseJson(body));
  return new ControlError('bad_answer', message ?? `The agent answered with status ${status} and no reason.`, status);
}

/** The value of a JSON text; undefined when it is not one. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function messageIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const { error } = body;
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  return typeof error.message === 'string' ? error.message : undefined;
}

function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
