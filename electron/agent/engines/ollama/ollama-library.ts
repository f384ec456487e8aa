import { AppError } from '../../base/errors.ts';
import type { OllamaApi } from './ollama-api.ts';
import type { OllamaWatch } from './ollama-watch.ts';
import type { OllamaProgress } from './ollama-wire.ts';

export interface OllamaLibraryDeps {
  /** The way to an Ollama that takes requests. @throws AppError `engine_not_ready` */
  readonly api: () => OllamaApi;
  readonly watch: () => OllamaWatch | null;
}

/** What the node has Ollama change in its library. */
export class OllamaLibrary {
  readonly #deps: OllamaLibraryDeps;

  constructor(deps: OllamaLibraryDeps) {
    this.#deps = deps;
  }

  /** See {@link OllamaEngine.pullModel}. */
  async pull(name: string, onProgress: (progress: OllamaProgress) => void, signal: AbortSignal): Promise<void> {
    await this.#deps.api().pull(checkedName(name), onProgress, signal);
    await this.#look();
  }

  /** See {@link OllamaEngine.removeModel}. */
  async remove(name: string): Promise<void> {
    await this.#deps.api().remove(checkedName(name));
    await this.#look();
  }

  /** See {@link OllamaEngine.createQuantized}. */
  async createQuantized(
    from: string,
    quantization: string,
    newName: string,
    onProgress: (progress: OllamaProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const known = ollamaQuantizations.find((name) => name.toLowerCase() === quantization.toLowerCase());
    if (known === undefined) {
      throw new AppError('invalid_request', `Ollama makes ${ollamaQuantizations.join(', ')} and no ${quantization}.`);
    }
    const job = {
      from: checkedName(from),
      quantization: known,
      name: checkedName(newName),
    };
    await this.#deps.api().quantize(job, onProgress, signal);
    await this.#look();
  }

  async #look(): Promise<void> {
    await this.#deps.watch()?.look({ library: true });
  }
}

/** What `/api/create` can make. */
const ollamaQuantizations: readonly string[] = ['q8_0', 'q4_K_S', 'q4_K_M'];

const partOfName = /^[A-Za-z0-9_][\w.-]*$/;

/** A name that Ollama could have: `[host/][namespace/]model[:tag]`. */
function checkedName(name: string): string {
  const [path = '', tag, ...rest] = name.replace(/^([^/]+):(\d+)\//, '$1/').split(':');
  const parts = path.split('/');
  const good =
    name.length <= 350 &&
    rest.length === 0 &&
    parts.length <= 4 &&
    parts.every((part) => partOfName.test(part)) &&
    (tag === undefined || partOfName.test(tag));
  if (good) return name;
  throw new AppError(
    'invalid_request',
    'This is no name of a model. Name it as in llama3.1:8b or hf.co/org/repo:Q4_K_M.',
  );
}
