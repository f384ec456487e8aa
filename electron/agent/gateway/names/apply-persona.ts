import type { ChatQuery, Query, Turn } from '../dialects/query.ts';
import type { ResolvedPersona } from './resolved-name.ts';

/**
 * A query as the persona asks it. Its system prompt goes before the caller's, or takes the place of it. Its sampling
 * holds over the caller's, for it is what the persona is; what it leaves open is the caller's. Its `maxTokens` is a
 * limit: a caller may ask for less and never for more. Embeddings have none of this. Pure: the query given stays as it
 * was.
 */
export function applyPersona(query: Query, persona: ResolvedPersona): Query {
  switch (query.operation) {
    case 'embedding':
      return query;
    case 'completion': {
      // A text to continue has no system prompt: only its sampling and length are the persona's.
      return { ...query, ...limited(query, persona) };
    }
    case 'chat':
      return { ...query, ...limited(query, persona), turns: turnsWith(query, persona) };
  }
}

function limited(
  query: Pick<ChatQuery, 'sampling' | 'maxTokens'>,
  persona: ResolvedPersona,
): Pick<ChatQuery, 'sampling' | 'maxTokens'> {
  const limits = [query.maxTokens, persona.maxTokens].filter((each) => each !== null);
  return {
    sampling: { ...query.sampling, ...persona.sampling },
    maxTokens: limits.length === 0 ? null : Math.min(...limits),
  };
}

function turnsWith({ turns }: ChatQuery, { system, systemMode }: ResolvedPersona): readonly Turn[] {
  if (system === null) return turns;
  const own: Turn = { role: 'system', text: system };
  if (systemMode === 'replace') return [own, ...turns.filter(({ role }) => role !== 'system')];
  const [first, ...others] = turns;
  // One system turn: many chat templates take only the first.
  if (first?.role === 'system') return [{ role: 'system', text: `${system}\n\n${first.text}` }, ...others];
  return [own, ...turns];
}
