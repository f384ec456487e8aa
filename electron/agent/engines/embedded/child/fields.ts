import { AppError } from '../../../base/errors.ts';

/** Reads the fields of a request's JSON body; every wrong type or range is an `invalid_request` that names the field. */
export class Fields {
  readonly #body: Readonly<Record<string, unknown>>;
  readonly #at: string;

  /** `at`: where the object stands in the body, such as `response_format`; empty for the body itself. */
  constructor(body: unknown, at = '') {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw at === '' ? refuse('The body must be a JSON object.') : refuse(`${at} must be an object.`, at);
    this.#at = at;
    this.#body = Object.fromEntries(Object.entries(body));
  }

  raw(name: string): unknown {
    return this.#body[name] ?? undefined;
  }

  boolean(name: string): boolean {
    const value = this.raw(name);
    if (value === undefined) return false;
    if (typeof value !== 'boolean') throw this.#refuse(name, `must be true or false.`);
    return value;
  }

  number(name: string, least: number, most: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < least || value > most) {
      throw this.#refuse(name, `must be a number from ${least} to ${most}.`);
    }
    return value;
  }

  integer(name: string, least: number, most: number): number | undefined {
    const value = this.number(name, least, most);
    if (value !== undefined && !Number.isInteger(value)) throw this.#refuse(name, `must be a whole number.`);
    return value;
  }

  string(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw this.#refuse(name, `must be text.`);
    return value;
  }

  /** One text or a list of texts, as a list. */
  strings(name: string, most: number): string[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (list.length > most) throw this.#refuse(name, `may have at most ${most} entries.`);
    return list.map((entry) => {
      if (typeof entry !== 'string') throw this.#refuse(name, `must be text or a list of texts.`);
      return entry;
    });
  }

  object(name: string): Fields | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#refuse(name, `must be an object.`);
    return new Fields(value, this.#pathOf(name));
  }

  #pathOf(name: string): string {
    return this.#at === '' ? name : `${this.#at}.${name}`;
  }

  #refuse(name: string, rule: string): AppError {
    const path = this.#pathOf(name);
    return refuse(`${path} ${rule}`, path);
  }

  entries(): [string, unknown][] {
    return Object.entries(this.#body);
  }
}

/** An `invalid_request` with that sentence; `param` is the field at fault where there is one. */
export function refuse(message: string, param: string | null = null): AppError {
  return new AppError('invalid_request', message, { context: { param } });
}
