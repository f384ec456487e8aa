import { AppError, assertNever, toAppError } from '../base/errors.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { InferenceRequest } from '../inference/request.ts';
import { addressOf, type ServerAddress } from '../inference/server-address.ts';
import type { Upstream, UpstreamDescription, UpstreamRoute } from '../inference/upstream.ts';
import type { WireResponse } from '../inference/wire-response.ts';
import type { TlsTrust } from '../inference/wire/connection.ts';
import { readServerKey, type KeySourceDeps } from './key-source.ts';
import { defaultAmong, digestOf, knownModels, modelsOfList, modelsOfTags, tagRows } from './model-lists.ts';
import type { KnownModels, ListedModel } from './model-lists.ts';
import { routeOf } from './server-address.ts';
import { ServerClient } from './server-client.ts';
import { operationsOf } from './server-paths.ts';
import type { ServerSettings } from './server-settings.ts';
import { asksForSlots, slotsOf, slotsOfProps } from './server-slots.ts';

export interface ServerUpstreamDeps extends KeySourceDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Whether the gateway of this node answers there. */
  readonly isOwn: (host: string, port: number) => boolean;
  readonly onChanged: () => void;
}

type State =
  /** Not asked yet. */
  | { readonly kind: 'starting' }
  | { readonly kind: 'ready'; readonly known: KnownModels }
  | { readonly kind: 'down'; readonly sentence: string };

const askedEveryMs = 60_000;
/** Providers' lists change seldom, and nobody is to look like a nuisance to them. */
const providerAskedEveryMs = 60 * 60_000;
const mostShown = 200;

/** One server of the settings. It is asked for its models now and then, and never for anything that costs. */
export class ServerUpstream implements Upstream {
  readonly #settings: ServerSettings;
  readonly #deps: ServerUpstreamDeps;
  readonly #address: ServerAddress;
  readonly #route: UpstreamRoute;
  readonly #client: ServerClient;
  readonly #stopped = new AbortController();
  /** Answers to `POST /api/show`, by name and digest. */
  readonly #shows = new Map<string, unknown>();
  #key: string | null = null;
  /** Requests at once, as the server last told; null where it does not. */
  #toldSlots: number | null = null;
  #failures = 0;
  #asking = false;
  #cancelNext: (() => void) | null = null;
  #description: UpstreamDescription;

  constructor(options: { readonly settings: ServerSettings; readonly trust: TlsTrust }, deps: ServerUpstreamDeps) {
    const { settings, trust } = options;
    this.#settings = settings;
    this.#deps = deps;
    this.#address = addressOf(settings.url);
    this.#route = routeOf(this.#address, settings.price !== undefined);
    this.#client = new ServerClient(
      { id: settings.id, address: this.#address, dialect: settings.dialect, route: this.#route, trust },
      deps,
    );
    this.#description = this.#describedAs({ kind: 'starting' });
  }

  /** Asks for the first time; from then on by itself until {@link stop}. */
  start(): void {
    void this.#ask();
  }

  stop(): void {
    this.#stopped.abort();
    this.#cancelNext?.();
    this.#client.close();
  }

  describe(): UpstreamDescription {
    return this.#description;
  }

  async generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const { ready, sentence, models } = this.#description;
    if (!ready) throw new AppError('engine_not_ready', sentence);
    const details = models.find(({ id }) => id === request.model)?.details ?? null;
    try {
      return await this.#client.generate(request, { key: this.#key, details }, signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.context['isGateway'] === true) this.#enter({ kind: 'down', sentence: error.message });
      // A provider is asked for its list too seldom for that to say how it is: the circuit breaker does.
      else if (error.code === 'upstream_failed' && this.#route !== 'cloud') this.#askSoon(0);
      throw error;
    }
  }

  async #ask(): Promise<void> {
    if (this.#asking || this.#stopped.signal.aborted) return;
    this.#asking = true;
    this.#cancelNext?.();
    this.#cancelNext = null;
    try {
      const known = await this.#learn();
      this.#failures = 0;
      this.#enter({ kind: 'ready', known });
      this.#askSoon(this.#route === 'cloud' ? providerAskedEveryMs : askedEveryMs);
    } catch (thrown) {
      this.#failures += 1;
      const error = toAppError(thrown);
      if (error.code === 'internal') {
        this.#deps.logger.error({ server: this.#settings.id, error }, 'asking a server for its models failed');
      }
      this.#enter({ kind: 'down', sentence: error.message });
      this.#askSoon(backoffDelayMs(this.#failures, this.#deps.random()));
    } finally {
      this.#asking = false;
    }
  }

  #askSoon(delayMs: number): void {
    if (this.#stopped.signal.aborted) return;
    this.#cancelNext?.();
    this.#cancelNext = this.#deps.clock.after(delayMs, () => {
      this.#cancelNext = null;
      void this.#ask();
    });
  }

  /** @throws AppError whose sentence says why it cannot be used */
  async #learn(): Promise<KnownModels> {
    const { id } = this.#settings;
    if (this.#deps.isOwn(this.#address.host, this.#address.port)) {
      throw new AppError(
        'upstream_failed',
        `The server ${id} is this node's own gateway. Take it out of the settings.`,
      );
    }
    const key = await readServerKey(this.#settings, this.#deps);
    if (key.kind === 'problem') throw new AppError('engine_not_ready', key.sentence);
    this.#key = key.kind === 'key' ? key.value : null;
    // What the operator has said of a provider need not be asked, and what is not asked costs nothing for certain.
    if (this.#settings.models && this.#route === 'cloud') return knownModels(this.#settings, []);
    const listed = await this.#listed();
    await this.#learnSlots();
    if (!listed && !this.#settings.models) {
      throw new AppError('upstream_failed', `The server ${id} has no list of models. Name them in upstreams[].models.`);
    }
    return knownModels(this.#settings, listed ?? []);
  }

  /** Null where the server has no list. */
  async #listed(): Promise<ListedModel[] | null> {
    const { dialect } = this.#settings;
    switch (dialect) {
      case 'openai':
        return this.#read(modelsOfList(await this.#get('/v1/models')), '/v1/models');
      case 'anthropic':
        return this.#read(modelsOfList(await this.#get('/v1/models?limit=1000')), '/v1/models');
      case 'ollama': {
        const tags = await this.#get('/api/tags');
        if (tags === undefined) return null;
        await this.#show(tags);
        return this.#read(modelsOfTags(tags, await this.#get('/api/ps'), this.#shows), '/api/tags');
      }
      default:
        return assertNever(dialect);
    }
  }

  #read(listed: ListedModel[] | null, route: string): ListedModel[] | null {
    if (listed || this.#settings.models) return listed;
    throw new AppError(
      'upstream_failed',
      `The server ${this.#settings.id} has no list of models at ${route}. Check its url and dialect, or name them in upstreams[].models.`,
    );
  }

  /** Asks once for each version of each model; details of models that are gone are forgotten. */
  async #show(tags: unknown): Promise<void> {
    const rows = tagRows(tags).slice(0, mostShown);
    const present = new Set(rows.map(digestOf));
    for (const digest of this.#shows.keys()) if (!present.has(digest)) this.#shows.delete(digest);
    for (const row of rows) {
      const digest = digestOf(row);
      if (this.#shows.has(digest)) continue;
      const told = await this.#client.ask(
        '/api/show',
        { key: this.#key, body: { model: row['name'] } },
        this.#stopped.signal,
      );
      this.#shows.set(digest, told ?? null);
    }
  }

  /** What goes wrong here changes nothing: a server that lists its models can be used. */
  async #learnSlots(): Promise<void> {
    if (!asksForSlots(this.#settings, this.#route)) return;
    try {
      this.#toldSlots = slotsOfProps(await this.#get('/props'));
    } catch (thrown) {
      this.#deps.logger.debug(
        { server: this.#settings.id, error: toAppError(thrown) },
        'a server does not tell its slots',
      );
    }
  }

  #get(path: string): Promise<unknown> {
    return this.#client.ask(path, { key: this.#key }, this.#stopped.signal);
  }

  #enter(state: State): void {
    if (this.#stopped.signal.aborted) return;
    const before = this.#description;
    this.#description = this.#describedAs(state);
    if (JSON.stringify(before) === JSON.stringify(this.#description)) {
      // Those who keep what they made of a description know it by its models' being the same.
      this.#description = before;
      return;
    }
    const { ready, sentence, models } = this.#description;
    if (before.ready !== ready || state.kind === 'down') {
      this.#deps.logger.info({ server: this.#settings.id, ready, sentence, models: models.length }, 'server changed');
    }
    this.#deps.onChanged();
  }

  #describedAs(state: State): UpstreamDescription {
    const { id, dialect } = this.#settings;
    const models = state.kind === 'ready' ? state.known.models : [];
    return {
      id,
      route: this.#route,
      dialects: [dialect],
      operations: operationsOf(dialect),
      ready: state.kind === 'ready',
      sentence: sentenceOf(id, state),
      // One that does not answer may never do so: nobody waits for it.
      comesUp: state.kind === 'starting',
      models,
      defaultModel: defaultAmong(this.#settings, models),
      slots: slotsOf(this.#settings, this.#route, this.#toldSlots),
      ...(this.#route === 'cloud' ? { takesReceived: true } : {}),
    };
  }
}

function sentenceOf(id: string, state: State): string {
  switch (state.kind) {
    case 'starting':
      return `The server ${id} is being asked for its models.`;
    case 'down':
      return state.sentence;
    case 'ready': {
      const count = state.known.models.length;
      const models = count === 1 ? '1 model' : `${count} models`;
      const guess = ' What they can do is assumed, for it does not say: upstreams[].models can.';
      return `Ready with ${models}.${state.known.assumed ? guess : ''}`;
    }
    default:
      return assertNever(state);
  }
}
