import { priorities, type Priority } from '../../../../contract/routing.ts';
import type { Capability } from '../../../inference/upstream.ts';
import { invalidField, oneOf, pick, type Rule } from '../fields.ts';
import { parseBody, type Json, type JsonObject } from '../json.ts';

/** What a surface takes. */
export interface Form {
  /** Fields that mean something; every other one is dropped and named. */
  readonly fields: Readonly<Record<string, Rule>>;
  readonly required: readonly string[];
  /** Fields that are refused rather than dropped, with the reason. */
  readonly refused: Readonly<Record<string, string>>;
}

const mostIgnored = 64;
const longestIgnored = 64;
const onePriority = oneOf(...priorities);

/** A body that is being read: its fields, and what was noticed on the way. */
export class Reading {
  readonly received: JsonObject;
  /** The fields that the form knows, each by its rule; those that are null are left out. */
  readonly picked: JsonObject;
  readonly needs = new Map<Capability, string>();
  readonly #ignored = new Set<string>();

  /** @throws AppError `invalid_request` or `unsupported_capability`, naming the field in `param` of its context */
  constructor(body: Buffer, form: Form) {
    this.received = parseBody(body);
    for (const name of Object.keys(this.received)) {
      const problem = Object.hasOwn(form.refused, name) ? form.refused[name] : undefined;
      if (problem !== undefined && this.received[name] !== null) throw invalidField(name, problem);
      if (!Object.hasOwn(form.fields, name) && name !== 'priority') this.#ignored.add(name);
    }
    this.picked = pick(this.received, form.fields, form.required, '');
  }

  get model(): string {
    const { model } = this.picked;
    if (typeof model !== 'string' || model === '') throw invalidField('model', 'must name a model');
    return model;
  }

  /** A number here is another server's way of ordering its queue, and means nothing. */
  get priority(): Priority | null {
    const priority = Object.hasOwn(this.received, 'priority') ? this.received['priority'] : null;
    if (typeof priority !== 'string') return null;
    onePriority(priority, 'priority');
    return priorities.find((known) => known === priority) ?? null;
  }

  /** They go into a header and into the trace, and callers choose both their number and their length. */
  get ignored(): readonly string[] {
    return [...this.#ignored].slice(0, mostIgnored).map((name) => name.slice(0, longestIgnored));
  }

  ignore(name: string): void {
    this.#ignored.add(name);
  }

  /** The first field that asks for a capability is the one that a refusal names. */
  need(capability: Capability, field: string): void {
    if (!this.needs.has(capability)) this.needs.set(capability, field);
  }

  field(name: string): Json | undefined {
    return this.picked[name];
  }

  number(name: string): number | null {
    const value = this.picked[name];
    return typeof value === 'number' ? value : null;
  }

  /** False where it is absent. */
  flag(name: string): boolean {
    return this.picked[name] === true;
  }
}
