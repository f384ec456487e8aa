import { type ActivityEntry } from '../../electron/contract/snapshot.ts';
import { formatCount, formatRate } from './numbers.ts';
import { formatLatency } from './time.ts';

/** What the page itself saw of an answer; times are milliseconds since the epoch. */
export interface SeenAnswer {
  readonly sentAt: number;
  readonly firstTokenAt: number | null;
  readonly lastTokenAt: number | null;
  readonly completionTokens: number | null;
  readonly finish: string | null;
}

/** Decode speed as the page saw it: tokens after the first over the time after the first; null when unknown. */
function seenTokensPerSecond(answer: SeenAnswer): number | null {
  const { completionTokens, firstTokenAt, lastTokenAt } = answer;
  if (completionTokens === null || completionTokens < 2 || firstTokenAt === null || lastTokenAt === null) return null;
  const elapsedMs = lastTokenAt - firstTokenAt;
  return elapsedMs <= 0 ? null : ((completionTokens - 1) * 1000) / elapsedMs;
}

/**
 * An ended answer's figures in one line. What the agent measured for the same request comes first, so that this line,
 * the list of requests and every other surface agree; what the page saw fills the gaps.
 */
export function answerFigures(
  answer: SeenAnswer,
  measured: Pick<ActivityEntry, 'tokensPerSecond' | 'ttftMs' | 'completionTokens'> | undefined,
): string {
  const rate = measured?.tokensPerSecond ?? seenTokensPerSecond(answer);
  const seenTtft = answer.firstTokenAt === null ? null : answer.firstTokenAt - answer.sentAt;
  const ttft = measured?.ttftMs ?? seenTtft;
  const tokens = measured?.completionTokens ?? answer.completionTokens;
  const parts = [
    rate === null ? null : `${formatRate(rate)} tokens/s`,
    tokens === null ? null : `${formatCount(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`,
    ttft === null ? null : `first after ${formatLatency(ttft)}`,
    answer.finish === 'length' ? 'cut at its length limit' : null,
  ];
  const known = parts.filter((part) => part !== null);
  return known.length === 0 ? 'No token came.' : known.join(', ');
}
