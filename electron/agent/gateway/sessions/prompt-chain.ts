import { hash } from 'node:crypto';
import type { ChatQuery, Part, Turn } from '../dialects/query.ts';

/**
 * A prompt as a chain of hashes, one for each turn, each over all turns before it: two prompts agree in as many turns as
 * their chains do. Holds none of the text.
 */
export interface PromptChain {
  /** 48 bits of each turn's hash. */
  readonly hashes: Float64Array;
  /** Characters of all turns up to and with this one, the tools included: they stand before the turns in a prompt. */
  readonly characters: Float64Array;
  /** Hash of the tools in the order in which they stand. */
  readonly tools: string;
  /** Hash of the head: the system turns at the beginning and the first turn after them. */
  readonly head: string;
  readonly headTurns: number;
  /** Whether each turn is of the assistant. */
  readonly isAnswer: readonly boolean[];
}

/** What an image counts as, in characters: an engine's tokens for it do not follow its bytes. */
const imageCharacters = 2_400;
/** Of an image's base64, both ends tell one from another as well as all of it, in a fraction of the time. */
const imageSample = 4_096;

/** Longer chats are followed as far as this. */
const mostTurns = 8_192;
/** Most chats have none. */
const noTools = digest('');

export function chainOf(query: ChatQuery): PromptChain {
  const turns = query.turns.slice(0, mostTurns);
  const toolsText = query.tools.length === 0 ? '' : JSON.stringify(query.tools);
  const hashes = new Float64Array(turns.length);
  const characters = new Float64Array(turns.length);
  const firstOther = turns.findIndex(({ role }) => role !== 'system');
  const headTurns = firstOther === -1 ? turns.length : firstOther + 1;
  let before = '';
  let sum = toolsText.length;
  let head = '';
  turns.forEach((turn, index) => {
    before = digest(`${before}\0${turn.role}\0${turnText(turn)}`);
    sum += turnCharacters(turn);
    hashes[index] = Number.parseInt(before.slice(0, 12), 16);
    characters[index] = sum;
    if (index === headTurns - 1) head = before;
  });
  const isAnswer = turns.map(({ role }) => role === 'assistant');
  return { hashes, characters, tools: toolsText === '' ? noTools : digest(toolsText), head, headTurns, isAnswer };
}

/** How many turns two prompts have in common, from the first. */
export function commonTurns(a: PromptChain, b: PromptChain): number {
  const most = Math.min(a.hashes.length, b.hashes.length);
  let turns = 0;
  while (turns < most && a.hashes[turns] === b.hashes[turns]) turns += 1;
  return turns;
}

function digest(text: string): string {
  return hash('sha1', text, 'hex');
}

/** What of a turn stands in a prompt. Ids of calls do not, and reasoning is left out by most templates. */
function turnText(turn: Turn): string {
  switch (turn.role) {
    case 'system':
      return turn.text;
    case 'user':
      return partsText(turn.parts);
    case 'assistant': {
      const calls = turn.calls.map(({ name, argumentsText }) => `${name}\0${argumentsText}`);
      return [turn.text, ...calls].join('\0');
    }
    case 'tool':
      return `${turn.name ?? ''}\0${partsText(turn.parts)}`;
  }
}

function partsText(parts: readonly Part[]): string {
  return parts
    .map((part) => {
      if (part.kind === 'text') return part.text;
      const { base64 } = part;
      return `${base64.length} ${base64.slice(0, imageSample)} ${base64.slice(-imageSample)}`;
    })
    .join('\0');
}

function turnCharacters(turn: Turn): number {
  switch (turn.role) {
    case 'system':
      return turn.text.length;
    case 'assistant':
      return turn.calls.reduce(
        (sum, { name, argumentsText }) => sum + name.length + argumentsText.length,
        turn.text.length,
      );
    case 'user':
    case 'tool':
      return turn.parts.reduce((sum, part) => sum + (part.kind === 'text' ? part.text.length : imageCharacters), 0);
  }
}
