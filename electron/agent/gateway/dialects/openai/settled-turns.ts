import type { Part, Turn } from '../query.ts';

/**
 * Turns in an order that every chat template takes. Many raise an error for what callers send all the time: a system
 * message in the middle, two users in a row, an image in a tool's result. So system turns at the beginning become one,
 * later ones become a user's words where they stand, neighbours of one role are joined, and a tool's images follow its
 * results as a user's. Nothing is left out, and nothing moves across an answer, so cached prefixes stay good.
 */
export function settledTurns(turns: readonly Turn[]): Turn[] {
  const settled: Turn[] = [];
  let begun = false;
  for (const turn of imagesAfterTools(turns)) {
    const next: Turn = begun && turn.role === 'system' ? said(turn.text) : turn;
    begun ||= turn.role !== 'system';
    const last = settled.at(-1);
    const joined = last === undefined ? null : join(last, next);
    if (joined === null) settled.push(next);
    else settled[settled.length - 1] = joined;
  }
  return settled;
}

function said(text: string): Turn {
  return { role: 'user', parts: [{ kind: 'text', text }] };
}

/** Both as one turn; null where they stay two. */
function join(first: Turn, second: Turn): Turn | null {
  if (first.role === 'system' && second.role === 'system') {
    return { role: 'system', text: joinTexts(first.text, second.text) };
  }
  if (first.role === 'user' && second.role === 'user' && first.name === second.name) {
    return { ...first, parts: joinParts(first.parts, second.parts) };
  }
  if (first.role === 'assistant' && second.role === 'assistant' && first.calls.length === 0) {
    const reasoning = [first.reasoning, second.reasoning].filter((text) => text !== null);
    return {
      role: 'assistant',
      text: joinTexts(first.text, second.text),
      reasoning: reasoning.length === 0 ? null : reasoning.join('\n\n'),
      calls: second.calls,
    };
  }
  return null;
}

function joinTexts(first: string, second: string): string {
  return first === '' || second === '' ? first + second : `${first}\n\n${second}`;
}

function joinParts(first: readonly Part[], second: readonly Part[]): readonly Part[] {
  const last = first.at(-1);
  const [next, ...rest] = second;
  if (last?.kind !== 'text' || next?.kind !== 'text') return [...first, ...second];
  return [...first.slice(0, -1), { kind: 'text', text: joinTexts(last.text, next.text) }, ...rest];
}

function imagesAfterTools(turns: readonly Turn[]): Turn[] {
  const moved: Turn[] = [];
  let images: Part[] = [];
  const flush = (): void => {
    if (images.length > 0) moved.push({ role: 'user', parts: images });
    images = [];
  };
  for (const turn of turns) {
    if (turn.role !== 'tool') {
      flush();
      moved.push(turn);
      continue;
    }
    const texts = turn.parts.filter(({ kind }) => kind === 'text');
    images.push(...turn.parts.filter(({ kind }) => kind === 'image'));
    const onlyImages = texts.length === 0 && turn.parts.length > 0;
    moved.push({ ...turn, parts: onlyImages ? [{ kind: 'text', text: '(The image follows.)' }] : texts });
  }
  flush();
  return moved;
}
