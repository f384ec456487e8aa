import type { QueryAnswer } from '../../../contract/control.ts';
import type { ModelFit } from '../../../contract/snapshot.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError, toAppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { hubVariants } from '../pull/hub-files.ts';
import { Hub } from '../pull/hub.ts';
import { HttpClient, hubToken } from '../pull/http-client.ts';
import { Interruption } from '../pull/interruption.ts';
import { libraryTypes } from '../pull/library.ts';
import type { Quantizer } from '../pull/llama-quantize.ts';
import { parseReference, type Reference } from '../pull/reference.ts';
import { groupOf } from '../quantization-name.ts';
import { LibraryTags } from './library-tags.ts';
import { listVariants, type LocalModel, type Offer, type VariantToFit } from './variant-list.ts';

export interface VariantsOptions {
  /** Such as https://huggingface.co and https://registry.ollama.ai. */
  readonly hubUrl: string;
  readonly registryUrl: string;
  /** The agent's environment: proxies, and HF_TOKEN for the hub alone. */
  readonly env: NodeJS.ProcessEnv;
  /** How long a place may take to answer. */
  readonly timeoutMs?: number;
}

export interface VariantsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** All models of this node: files and what Ollama keeps. */
  readonly models: () => readonly LocalModel[];
  /** Fit of a variant that is not here; null where nothing can be said. */
  readonly fitOf: (variant: VariantToFit) => ModelFit | null;
  readonly quantizer: Quantizer | null;
  /** Whether an Ollama answers that could make quantizations. */
  readonly hasLibrary: () => boolean;
}

/** A place outside this node where quantizations are to be had. */
type Place = { readonly kind: 'hub'; readonly repo: string } | { readonly kind: 'library'; readonly name: string };

interface Asked {
  readonly offers: readonly Offer[];
  readonly problem: string | null;
}

const usualTimeoutMs = 5_000;
const keptMs = 5 * 60_000;
const mostKept = 64;
const mostPlaces = 4;

/** Which quantizations of a model there are: here, where it came from, and those that can be made. */
export class Variants {
  readonly #options: VariantsOptions;
  readonly #deps: VariantsDeps;
  readonly #http: HttpClient;
  readonly #hub: Hub;
  readonly #library: LibraryTags;
  /** Answers of places by name, the latest last. */
  readonly #kept = new Map<string, { readonly atMs: number; readonly offers: readonly Offer[] }>();

  constructor(options: VariantsOptions, deps: VariantsDeps) {
    this.#options = options;
    this.#deps = deps;
    const { env, hubUrl, registryUrl } = options;
    this.#http = new HttpClient({ env, silenceMs: options.timeoutMs ?? usualTimeoutMs, token: hubToken(env, hubUrl) });
    const network = { http: this.#http, now: () => deps.clock.now() };
    this.#hub = new Hub({ hubUrl }, network);
    this.#library = new LibraryTags({ registryUrl }, network);
  }

  /**
   * The answer of the query `variants`.
   *
   * @param asked id, name or group of a model here, hf.co/org/repo, or a name of the Ollama library
   * @throws AppError `model_not_found` when it is neither here nor anywhere that can be asked
   */
  async of(asked: string, signal: AbortSignal = new AbortController().signal): Promise<QueryAnswer<'variants'>> {
    const found = this.#find(asked);
    const answers = await Promise.all(found.places.map((place) => this.#ask(place, signal)));
    const variants = listVariants({
      here: found.here,
      offers: answers.flatMap(({ offers }) => offers),
      madeFrom: (source) => this.#madeFrom(source),
      fitOf: this.#deps.fitOf,
    });
    const problems = answers.flatMap(({ problem }) => problem ?? []);
    if (variants.length === 0 && problems.length > 0) throw new AppError('model_not_found', problems.join(' '));
    return { group: found.group, variants, problems };
  }

  /** Closes idle connections. */
  close(): void {
    this.#http.close();
  }

  /** What of it is here, and where else to look. */
  #find(asked: string): { group: string; here: LocalModel[]; places: Place[] } {
    const wanted = asked.trim().toLowerCase();
    const all = this.#deps.models().filter(({ selfTest }) => !selfTest);
    const named =
      all.find(({ id }) => id.toLowerCase() === wanted) ??
      all.find(({ name, group }) => [name.toLowerCase(), group].includes(wanted));
    const reference = named ? null : referenceOf(asked);
    const repo = reference?.kind === 'hugging-face' ? reference.repo : null;
    const group = named?.group ?? groupOfReference(reference, wanted);
    const here = all.filter((model) => model.group === group || (repo !== null && repoOf(model) === repo));
    const places = new Map<string, Place>();
    const add = (place: Place): void => void places.set(keyOf(place), place);
    if (repo !== null) add({ kind: 'hub', repo });
    for (const model of here) {
      const from = repoOf(model);
      if (from !== null) add({ kind: 'hub', repo: from });
      else if (model.path === null) addLibrary(model.id, add);
    }
    if (here.length === 0 && reference?.kind === 'ollama') add({ kind: 'library', name: reference.name });
    if (here.length === 0 && places.size === 0) {
      throw new AppError(
        'model_not_found',
        `There is no ${asked} here. Name a model of this node, hf.co/organisation/repository, or a model of the Ollama library.`,
      );
    }
    return { group, here, places: [...places.values()].slice(0, mostPlaces) };
  }

  async #ask(place: Place, signal: AbortSignal): Promise<Asked> {
    const key = keyOf(place);
    const kept = this.#kept.get(key);
    if (kept && this.#deps.clock.monotonic() - kept.atMs < keptMs) return { offers: kept.offers, problem: null };
    try {
      const limits = { signal, timeoutMs: this.#options.timeoutMs ?? usualTimeoutMs };
      const answer =
        place.kind === 'hub' ? await this.#askHub(place.repo, limits) : await this.#askLibrary(place.name, limits);
      if (answer.problem === null) this.#keep(key, answer.offers);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      this.#deps.logger.debug({ place: key, err: error }, 'a place could not be asked for quantizations');
      return { offers: [], problem: error instanceof Interruption ? error.message : toAppError(error).message };
    }
  }

  async #askHub(repo: string, limits: { signal: AbortSignal; timeoutMs: number }): Promise<Asked> {
    const variants = hubVariants(await this.#hub.files(repo, 'main', limits));
    const offers = variants.flatMap(({ quantization, sizeBytes }) =>
      quantization === null ? [] : [{ quantization, sizeBytes, reference: `hf.co/${repo}:${quantization}` }],
    );
    return {
      offers,
      problem: offers.length === 0 ? `${repo} on Hugging Face names no quantizations in the GGUF format.` : null,
    };
  }

  async #askLibrary(name: string, limits: { signal: AbortSignal; timeoutMs: number }): Promise<Asked> {
    const { variants, incomplete } = await this.#library.find(name, limits);
    const offers = variants.map(({ quantization, name: reference, sizeBytes }) => ({
      quantization,
      reference,
      sizeBytes,
    }));
    return {
      offers,
      problem: incomplete ? 'The Ollama library answers slowly: there may be more quantizations than these.' : null,
    };
  }

  #keep(key: string, offers: readonly Offer[]): void {
    this.#kept.delete(key);
    this.#kept.set(key, { atMs: this.#deps.clock.monotonic(), offers });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest);
  }

  #madeFrom(source: LocalModel): readonly string[] {
    const { quantizer, hasLibrary } = this.#deps;
    if (source.path === null) return hasLibrary() ? libraryTypes : [];
    return quantizer?.available() ? quantizer.types : [];
  }
}

function referenceOf(asked: string): Reference | null {
  try {
    return parseReference(asked);
  } catch {
    // Not a reference: then it can only be a model of this node.
    return null;
  }
}

function addLibrary(id: string, add: (place: Place) => void): void {
  const reference = referenceOf(id);
  if (reference?.kind === 'ollama') add({ kind: 'library', name: reference.name });
}

function groupOfReference(reference: Reference | null, otherwise: string): string {
  if (reference?.kind === 'hugging-face')
    return groupOf((reference.repo.split('/')[1] ?? '').replace(/[-_.]gguf$/i, ''));
  return otherwise;
}

function repoOf({ origin }: LocalModel): string | null {
  const reference = origin === null ? null : referenceOf(origin);
  return reference?.kind === 'hugging-face' ? reference.repo : null;
}

const keyOf = (place: Place): string => (place.kind === 'hub' ? `hub ${place.repo}` : `library ${place.name}`);
