import * as z from 'zod';
import { AppError } from '../../base/errors.ts';
import type { HttpClient } from '../pull/http-client.ts';
import { Interruption } from '../pull/interruption.ts';
import { refusalOf } from '../pull/refusals.ts';
import { quantizationIn } from '../quantization.ts';

/** A quantization in the Ollama library. */
export interface LibraryVariant {
  readonly quantization: string;
  /** What pulls it: `llama3.1:8b-instruct-q5_K_M`. */
  readonly name: string;
  readonly sizeBytes: number;
}

export interface FoundInLibrary {
  readonly variants: LibraryVariant[];
  /** The time was up before every tag had been asked for. */
  readonly incomplete: boolean;
}

const manifestSchema = z.object({
  config: z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) }),
  layers: z.array(z.object({ mediaType: z.string(), size: z.number().int().min(0) })).max(100),
});
const configSchema = z.object({
  /** Such as 8.0B. */
  model_type: z.string().max(40).catch(''),
  /** Such as Q4_K_M. */
  file_type: z.string().max(40).catch(''),
});

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
const mostBytes = 1024 * 1024;
const atOnce = 6;
/** As the library writes them in its tags. */
const usualTags = [
  'fp16', 'bf16', 'q8_0', 'q6_K', 'q5_K_M', 'q5_K_S', 'q5_1', 'q5_0', 'q4_K_M', 'q4_K_S', 'q4_1', 'q4_0', 'q3_K_L', 'q3_K_M', 'q3_K_S', 'q2_K',
]; // prettier-ignore
/** Between size and quantization many families name what they were trained for. */
const middles = ['-instruct', '-it', '-chat', '', '-text'];
/** A family that has quantizations in the library has one of these. */
const telling = ['q4_K_M', 'q8_0'];

/**
 * The quantizations that the Ollama library has of a model. The registry lists no tags, so the usual ones are asked
 * for one by one: a manifest is a kilobyte.
 */
export class LibraryTags {
  readonly #url: string;
  readonly #deps: { readonly http: HttpClient; readonly now: () => number };

  /** `registryUrl`: such as https://registry.ollama.ai. `now`: wall time in milliseconds. */
  constructor(
    options: { readonly registryUrl: string },
    deps: { readonly http: HttpClient; readonly now: () => number },
  ) {
    this.#url = options.registryUrl.replace(/\/+$/, '');
    this.#deps = deps;
  }

  /**
   * @param name with its tag, such as `llama3.1:8b` or `org/name:latest`
   * @throws Interruption when the registry cannot be asked; AppError `model_not_found` when it has no such model
   */
  async find(name: string, limits: { signal: AbortSignal; timeoutMs: number }): Promise<FoundInLibrary> {
    const [model = '', tag = 'latest'] = name.split(':');
    const endsAt = this.#deps.now() + limits.timeoutMs;
    const asked = await this.#tag(model, tag, limits);
    if (!asked)
      throw new AppError('model_not_found', `The Ollama library has no ${name}. Check the name on ollama.com.`);
    const own = await this.#plainQuantization(model, tag, asked.config, limits);
    const stem = stemOf(tag) ?? own.size;
    const variants = new Map<string, LibraryVariant>();
    const add = (quantization: string | null, at: string, sizeBytes: number): void => {
      if (quantization !== null && !variants.has(quantization)) {
        variants.set(quantization, { quantization, name: `${model}:${at}`, sizeBytes });
      }
    };
    let incomplete = false;
    const left = (): number => endsAt - this.#deps.now();
    const probe = async (tags: readonly string[]): Promise<boolean> => {
      const found = await inParallel(tags, atOnce, async (each) => {
        if (left() <= 0) {
          incomplete = true;
          return false;
        }
        try {
          const manifest = await this.#tag(model, each, { signal: limits.signal, timeoutMs: left() });
          if (manifest) add(quantizationIn(each), each, manifest.sizeBytes);
          return manifest !== null;
        } catch (error) {
          // What has been found until then is worth showing.
          if (!(error instanceof Interruption)) throw error;
          incomplete = true;
          return false;
        }
      });
      return found.includes(true);
    };
    for (const middle of quantizationIn(tag) === null ? middles : ['']) {
      if (!(await probe(telling.map((each) => `${stem}${middle}-${each}`)))) continue;
      await probe(usualTags.filter((each) => !telling.includes(each)).map((each) => `${stem}${middle}-${each}`));
      break;
    }
    add(own.quantization ?? quantizationIn(tag), tag, asked.sizeBytes);
    return { variants: [...variants.values()], incomplete };
  }

  async #tag(
    model: string,
    tag: string,
    limits: { signal: AbortSignal; timeoutMs: number },
  ): Promise<{ sizeBytes: number; config: string } | null> {
    const answer = await this.#get(`${pathOf(model)}/manifests/${tag}`, limits);
    if (answer === null) return null;
    const manifest = manifestSchema.safeParse(answer);
    if (!manifest.success)
      throw new AppError('upstream_failed', 'The Ollama library answers with something that is no manifest.');
    const { config, layers } = manifest.data;
    return { config: config.digest, sizeBytes: layers.reduce((sum, { size }) => sum + size, 0) };
  }

  /** What the model itself says of its size and quantization. */
  async #plainQuantization(
    model: string,
    tag: string,
    digest: string,
    limits: { signal: AbortSignal; timeoutMs: number },
  ): Promise<{ quantization: string | null; size: string }> {
    const config = configSchema.safeParse(await this.#get(`${pathOf(model)}/blobs/${digest}`, limits));
    const { model_type: type, file_type: quantization } = config.success
      ? config.data
      : { model_type: '', file_type: '' };
    return { quantization: quantizationIn(quantization), size: sizeLabel(type) ?? tag };
  }

  /** The parsed answer; null for 404. */
  async #get(path: string, limits: { signal: AbortSignal; timeoutMs: number }): Promise<unknown> {
    const { status, headers, text } = await this.#deps.http.getText(`${this.#url}/v2/${path}`, {
      headers: { accept: manifestType },
      mostBytes,
      ...limits,
    });
    if (status === 404) return null;
    if (status !== 200) {
      const { hostname: host } = new URL(this.#url);
      throw refusalOf(status, headers, {
        host,
        what: 'the list of quantizations',
        isHub: false,
        nowMs: this.#deps.now(),
      });
    }
    return parse(text);
  }
}

/** `8b-instruct` for `8b-instruct-q4_K_M`; null for `latest`, which says nothing. */
function stemOf(tag: string): string | null {
  if (tag === 'latest') return null;
  return quantizationIn(tag) === null ? tag : tag.replace(/-?[^-]+$/, '');
}

/** `8b` for `8.0B`, `1.5b` for `1.5B`, `270m` for `268.10M`. */
function sizeLabel(type: string): string | null {
  const [, number, unit] = /^([\d.]{1,8})\s*([MB])$/i.exec(type.trim()) ?? [];
  if (number === undefined || unit === undefined) return null;
  const value = Number(number);
  const rounded =
    unit.toUpperCase() === 'M'
      ? Math.round(value / 10) * 10
      : value >= 10
        ? Math.round(value)
        : Math.round(value * 10) / 10;
  return `${rounded}${unit.toLowerCase()}`;
}

const pathOf = (model: string): string => (model.includes('/') ? model : `library/${model}`);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Runs a task for each item, so many at a time, in order. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  most: number,
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += most) {
    results.push(...(await Promise.all(items.slice(at, at + most).map(task))));
  }
  return results;
}
