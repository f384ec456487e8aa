import type { CloudSettings } from '../../../contract/cloud.ts';
import { ranchHeaders } from '../../../contract/routing.ts';
import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import { withoutKey } from '../../inference/kept-secret.ts';
import type { ServerAddress } from '../../inference/server-address.ts';
import type { SpeechDefaults, SpeechOffer, SpeechOrder, SpeechUpstream } from '../../inference/speech.ts';
import type { WireResponse } from '../../inference/wire-response.ts';
import type { TlsTrust } from '../../inference/wire/connection.ts';
import { HttpUpstream } from '../../inference/wire/http-upstream.ts';
import type { Prices, ProviderKeys, WindowCheck } from '../provider-port.ts';
import { watchedBody } from '../providers/watched-body.ts';
import { speakingProvider } from './speech-address.ts';

export interface ProviderSpeechOptions {
  /** Read on every use: what an operator changes holds at once. */
  readonly settings: () => CloudSettings;
  /** Authorities to trust for https instead of the platform's. */
  readonly trust?: TlsTrust;
}

export interface ProviderSpeechDeps {
  readonly keys: ProviderKeys;
  readonly prices: Prices;
  readonly windows: WindowCheck;
  /** Whether an address is this node's own gateway. */
  readonly isOwn: (host: string, port: number) => boolean;
  readonly clock: Clock;
}

/** The sound begins once the first words are spoken; a longer silence is a fault. */
const deadlines = { connectMs: 10_000, firstByteMs: 60_000, silenceMs: 60_000 };
const idleMs = 25_000;
const speechPath = '/v1/audio/speech';
/** Of an answer's headers, those that mean something here. Cookies and the rest stay where they are. */
const keptHeaders: readonly string[] = ['content-type', 'content-encoding', 'retry-after', 'x-request-id'];

/** The connections to one address. */
interface Line {
  readonly address: string;
  readonly http: HttpUpstream;
}

/** Speech of the cloud's providers, in OpenAI's form: builds requests from nothing, and follows no redirect. */
export class ProviderSpeech implements SpeechUpstream {
  readonly #options: ProviderSpeechOptions;
  readonly #deps: ProviderSpeechDeps;
  readonly #lines = new Map<string, Line>();
  readonly #inFlight = new Map<string, number>();

  constructor(options: ProviderSpeechOptions, deps: ProviderSpeechDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  defaults(): SpeechDefaults {
    return this.#options.settings().speech;
  }

  async offer(provider: string, model: string): Promise<SpeechOffer> {
    const { keys, prices, windows, isOwn } = this.#deps;
    const found = speakingProvider(provider, this.#options.settings());
    if (found.kind === 'unknown') return found;
    if (found.kind === 'off') return unready(found.sentence);
    const { host, port } = found.address;
    if (isOwn(host, port)) {
      return unready(
        `The provider ${provider} has the address of this very node. Give it the address of the provider.`,
      );
    }
    const known = prices.of(provider, model);
    const charactersUsd = known?.charactersUsd ?? null;
    if (known === null || charactersUsd === null) {
      const sentence = `What ${provider}/${model} costs for each character is not known, so it is not used. Set its price under "cloud.prices" in the settings, or name another.`;
      return { kind: 'unknown', sentence };
    }
    const closed = windows.closed(provider, model);
    if (closed) return { kind: 'unready', sentence: closed.sentence, retryAtMs: closed.opensAtMs };
    if ((this.#inFlight.get(provider) ?? 0) >= found.slots) {
      const retryAtMs = this.#deps.clock.now() + 1_000;
      return {
        kind: 'unready',
        sentence: `All places at the provider ${provider} are taken. Try again soon.`,
        retryAtMs,
      };
    }
    const key = await keys.read(provider);
    if (key.kind === 'locked') return unready(key.sentence);
    if (key.kind === 'missing') {
      return unready(`The provider ${provider} has no key yet. Set one with "ranch-hand secrets set ${provider}".`);
    }
    const { inputUsd: textUsd, outputUsd: soundUsd } = known.price;
    return { kind: 'offered', charactersUsd, sound: soundUsd > 0 ? { textUsd, soundUsd } : null };
  }

  async speak(order: SpeechOrder, signal: AbortSignal): Promise<WireResponse> {
    const { provider } = order;
    const found = speakingProvider(provider, this.#options.settings());
    const key = await this.#deps.keys.read(provider);
    if (found.kind !== 'speaks' || key.kind !== 'key') {
      const message = `The provider ${provider} was switched off or lost its key just now. Try again.`;
      throw new AppError('engine_not_ready', message, { context: { connected: false } });
    }
    const place = this.#takePlace(provider);
    try {
      const response = await this.#lineTo(provider, found.address).send(
        {
          method: 'POST',
          path: `${found.address.basePath}${speechPath}`,
          headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key.value}` },
          body: bodyOf(order),
        },
        signal,
      );
      const checked = await withoutKey(this.#checked(provider, response), key.value);
      return { ...checked, body: watchedBody(checked.body, place) };
    } catch (error) {
      place();
      throw error;
    }
  }

  /** Closes the connections; answers on their way fail. */
  stop(): void {
    for (const { http } of this.#lines.values()) http.close();
    this.#lines.clear();
  }

  #takePlace(provider: string): () => void {
    this.#inFlight.set(provider, (this.#inFlight.get(provider) ?? 0) + 1);
    let free = false;
    return () => {
      if (free) return;
      free = true;
      this.#inFlight.set(provider, (this.#inFlight.get(provider) ?? 1) - 1);
    };
  }

  #lineTo(provider: string, { host, port, secure }: ServerAddress): HttpUpstream {
    const address = `${secure ? 'https' : 'http'}://${host}:${port}`;
    const known = this.#lines.get(provider);
    if (known?.address === address) return known.http;
    const tls = this.#options.trust ?? {};
    const http = new HttpUpstream(
      { host, port, name: `The provider ${provider}`, deadlines, idleMs, ...(secure ? { tls } : {}) },
      { clock: this.#deps.clock },
    );
    // The old one is left to what still runs over it; its idle connections close by themselves.
    this.#lines.set(provider, { address, http });
    return http;
  }

  #checked(provider: string, { status, headers, body }: WireResponse): WireResponse {
    if (headers.has(ranchHeaders.node)) {
      body.destroy();
      const message = `The provider ${provider} is a node of a ranch, this one or another. Give it the address of the provider.`;
      throw new AppError('upstream_failed', message, { context: { connected: false } });
    }
    if (status >= 300 && status < 400) {
      body.destroy();
      const message = `The provider ${provider} sends requests on to another address. Put the address that answers into its settings.`;
      throw new AppError('upstream_failed', message, { context: { status } });
    }
    const kept = keptHeaders.flatMap((name): [string, string][] => {
      const value = headers.get(name);
      return value === undefined ? [] : [[name, value]];
    });
    return { status, headers: new Map(kept), body };
  }
}

function unready(sentence: string): SpeechOffer {
  return { kind: 'unready', sentence, retryAtMs: null };
}

function bodyOf(order: SpeechOrder): Buffer {
  const { model, input, voice, instructions, format, speed, streamFormat } = order;
  return Buffer.from(
    JSON.stringify({
      model,
      input,
      voice,
      ...(instructions === null ? {} : { instructions }),
      response_format: format,
      ...(speed === null ? {} : { speed }),
      ...(streamFormat === null ? {} : { stream_format: streamFormat }),
    }),
  );
}
