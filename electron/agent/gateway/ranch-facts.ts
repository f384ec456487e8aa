import { ranchHeaders, type RouteReason } from '../../contract/routing.ts';
import type { UpstreamRoute } from '../inference/upstream.ts';

/** What the X-Ranch-* headers of an answer tell. */
export interface RanchFacts {
  readonly trace: string;
  readonly node: string;
  readonly route: UpstreamRoute | 'none';
  readonly upstream: string | null;
  readonly model: string | null;
  readonly reason: RouteReason;
  readonly ignored: readonly string[];
}

const longestValue = 256;
const mostIgnored = 32;

/** The headers, names and values by turns. */
export function factHeaders(facts: RanchFacts): string[] {
  const headers = [
    ranchHeaders.trace,
    facts.trace,
    ranchHeaders.route,
    facts.route,
    ranchHeaders.node,
    printable(facts.node),
    ranchHeaders.reason,
    facts.reason,
  ];
  if (facts.upstream !== null) headers.push(ranchHeaders.upstream, printable(facts.upstream));
  if (facts.model !== null) headers.push(ranchHeaders.model, printable(facts.model));
  if (facts.ignored.length > 0) {
    headers.push(ranchHeaders.ignored, printable(listed(facts.ignored)));
  }
  return headers;
}

/** As many of the names as there is room for, each of them whole. */
function listed(names: readonly string[]): string {
  let text = '';
  for (const name of names.slice(0, mostIgnored)) {
    const longer = text === '' ? name : `${text}, ${name}`;
    if (text !== '' && longer.length > longestValue) break;
    text = longer;
  }
  return text;
}

/** Names come from files and callers, and a header holds printable ASCII only. */
function printable(text: string): string {
  return text.slice(0, longestValue).replaceAll(/[^\x20-\x7e]/g, '?');
}
