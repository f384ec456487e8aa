import type { ChatQuery, ToolDeclaration, Turn } from '../../../../electron/agent/gateway/dialects/query.ts';

export function chat(turns: readonly Turn[], change: Partial<ChatQuery> = {}): ChatQuery {
  return {
    operation: 'chat',
    turns,
    tools: [],
    toolChoice: 'auto',
    parallelCalls: null,
    shape: { kind: 'text' },
    thinking: null,
    sampling: {},
    stop: [],
    maxTokens: null,
    logprobs: null,
    keepAlive: null,
    ...change,
  };
}

export function system(text: string): Turn {
  return { role: 'system', text };
}

export function user(text: string): Turn {
  return { role: 'user', parts: [{ kind: 'text', text }] };
}

export function assistant(text: string): Turn {
  return { role: 'assistant', text, reasoning: null, calls: [] };
}

export function tool(name: string): ToolDeclaration {
  return { name, description: null, parameters: { type: 'object' } };
}
