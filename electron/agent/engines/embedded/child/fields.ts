import { AppError } from '../../../base/errors.ts';

/** Reads the fields of a request's JSON body; every wrong type or range is an `invalid_request` that names the field. */
export class Fields {
  readonly #body: Readonly<Record<string, unknown>>;

  constructor(body: unknown) {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw refuse('The body must be a JSON object.');
    this.#body = Object.fromEntries(Object.entries(body));
  }

  raw(name: string): unknown {
    return this.#body[name] ?? undefined;
  }

  boolean(name: string): boolean {
    const value = this.raw(name);
    if (value === undefined) return false;
    if (typeof value !== 'boolean') throw refuse(`${name} must be true or false.`);
    return value;
  }

  number(name: string, least: number, most: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < least || value > most) {
      throw refuse(`${name} must be a number from ${least} to ${most}.`);
    }
    return value;
  }

  integer(name: string, least: number, most: number): number | undefined {
    const value = this.number(name, least, most);
    if (value !== undefined && !Number.isInteger(value)) throw refuse(`${name} must be a whole number.`);
    return value;
  }

  string(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw refuse(`${name} must be text.`);
    return value;
  }

  /** One text or a list of texts, as a list. */
  strings(name: string, most: number): string[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (list.length > most) throw refuse(`${name} may have at most ${most} entries.`);
    return list.map((entry) => {
      if (typeof entry !== 'string') throw refuse(`${name} must be text or a list of texts.`);
      return entry;
    });
  }

  object(name: string): Fields | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(`${name} must be an object.`);
    return new Fields(value);
  }

  entries(): [string, unknown][] {
    return Object.entries(this.#body);
  }
}

/** An `invalid_request` with that sentence. */
export function refuse(message: string): AppError {
  return new AppError('invalid_request', message);
}
