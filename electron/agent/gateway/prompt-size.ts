import type { Part, Query, Turn } from './dialects/query.ts';
import type { PromptSize } from './load/prompt-sizes.ts';

/** How much a model has to read for a query. Counted once a request, for every candidate. */
export function promptSizeOf(query: Query): PromptSize {
  switch (query.operation) {
    case 'embedding':
      return { characters: query.inputs.reduce((sum, { length }) => sum + length, 0), images: 0 };
    case 'completion':
      return { characters: query.prompt.length, images: 0 };
    case 'chat': {
      let characters = query.shape.kind === 'schema' ? JSON.stringify(query.shape.schema).length : 0;
      let images = 0;
      for (const turn of query.turns) {
        characters += textOf(turn);
        if (turn.role === 'user' || turn.role === 'tool') images += imagesIn(turn.parts);
      }
      if (query.toolChoice !== 'none') {
        for (const { name, description, parameters } of query.tools) {
          characters += name.length + (description?.length ?? 0) + JSON.stringify(parameters).length;
        }
      }
      return { characters, images };
    }
  }
}

function textOf(turn: Turn): number {
  switch (turn.role) {
    case 'system':
      return turn.text.length;
    case 'assistant':
      return turn.calls.reduce((sum, call) => sum + call.name.length + call.argumentsText.length, turn.text.length);
    case 'user':
    case 'tool':
      return turn.parts.reduce((sum, part) => sum + (part.kind === 'text' ? part.text.length : 0), 0);
  }
}

function imagesIn(parts: readonly Part[]): number {
  let images = 0;
  for (const { kind } of parts) if (kind === 'image') images += 1;
  return images;
}
