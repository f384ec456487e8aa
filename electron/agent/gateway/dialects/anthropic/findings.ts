import type { Capability } from '../../../inference/upstream.ts';
import type { JsonObject } from '../json.ts';

/** What the readers of a body notice beside what they return. */
export interface Findings {
  /** Fields and blocks that were accepted and dropped. Without positions: one name says it for all messages. */
  readonly ignored: Set<string>;
  /** What an upstream must be able to do, and the first field that asks for it. */
  readonly needs: Map<Capability, string>;
}

/** So many names are told; a body may have any number of unknown fields. */
const mostIgnored = 64;

export function ignore(findings: Findings, name: string): void {
  if (findings.ignored.size < mostIgnored) findings.ignored.add(name);
}

export function need(findings: Findings, capability: Capability, path: string): void {
  if (!findings.needs.has(capability)) findings.needs.set(capability, path);
}

/** Names the fields of `value` that are not `known`; those that are null count as absent. */
export function ignoreOthers(findings: Findings, value: JsonObject, known: readonly string[], prefix: string): void {
  for (const name in value) {
    if (known.includes(name) || value[name] === null) continue;
    // It stands on blocks everywhere and means the same each time.
    ignore(findings, name === 'cache_control' ? name : prefix + name);
  }
}
