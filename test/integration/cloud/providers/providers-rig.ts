import { cloudSettingsSchema, type CloudSettings } from '../../../../electron/contract/cloud.ts';
import { Announcer } from '../../../../electron/agent/base/announcer.ts';
import { systemClock, type Clock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger, type Logger } from '../../../../electron/agent/base/logger.ts';
import type {
  KnownModel,
  ProviderKey,
  ProviderKeys,
  WindowCheck,
} from '../../../../electron/agent/cloud/provider-port.ts';
import { CloudProviders } from '../../../../electron/agent/cloud/providers/cloud-providers.ts';
import type { InferenceRequest } from '../../../../electron/agent/inference/request.ts';
import type { TokenPrice, Upstream } from '../../../../electron/agent/inference/upstream.ts';
import type { WireResponse } from '../../../../electron/agent/inference/wire-response.ts';

export const providerKey = 'sk-provider-secret-0123456789abcdef';
export const price: TokenPrice = { inputUsd: 3, outputUsd: 15, cachedInputUsd: 0.3 };

/** Keys that a test changes at will. */
class HeldKeys implements ProviderKeys {
  readonly changed = new Announcer<string>();
  /** What every provider has that is not in `own`. */
  key: ProviderKey = { kind: 'key', value: providerKey };
  readonly own = new Map<string, ProviderKey>();
  reads = 0;

  read(provider: string): Promise<ProviderKey> {
    this.reads += 1;
    return Promise.resolve(this.own.get(provider) ?? this.key);
  }

  set(provider: string, key: ProviderKey): void {
    this.own.set(provider, key);
    this.changed.announce(provider);
  }
}

export interface ProvidersRigOptions {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly isOwn?: (host: string, port: number) => boolean;
  /** What is known of a provider's models without settings; left out: nothing. */
  readonly models?: (provider: string) => readonly KnownModel[];
  readonly patience?: { readonly streamMs: number; readonly wholeMs: number };
}

/** Providers by settings that a test changes at will; every model of the settings has the same price. */
export class ProvidersRig implements AsyncDisposable {
  readonly keys = new HeldKeys();
  readonly providers: CloudProviders;
  settings: CloudSettings;
  /** Models without a price, `provider/model`. */
  readonly unpriced = new Set<string>();
  closed: WindowCheck['closed'] = () => null;

  private constructor(providers: object, options: ProvidersRigOptions) {
    const { clock = systemClock, logger = silentLogger, isOwn = () => false, models = () => [], patience } = options;
    this.settings = cloudSettingsSchema.parse({ providers });
    this.providers = new CloudProviders(
      { settings: () => this.settings, ...(patience ? { patience } : {}) },
      {
        keys: this.keys,
        prices: {
          models,
          of: (provider, model) =>
            this.unpriced.has(`${provider}/${model}`) ? null : { price, charactersUsd: null, source: null, date: null },
        },
        windows: { closed: (provider, model) => this.closed(provider, model) },
        clock,
        logger,
        isOwn,
      },
    );
  }

  static async start(providers: object, options: ProvidersRigOptions = {}): Promise<ProvidersRig> {
    const rig = new ProvidersRig(providers, options);
    await rig.providers.start();
    return rig;
  }

  change(providers: object): void {
    this.settings = cloudSettingsSchema.parse({ providers });
  }

  upstream(id: string): Upstream {
    const found = this.providers.upstreams().find((upstream) => upstream.describe().id === id);
    if (!found) throw new Error(`${id} is not offered`);
    return found;
  }

  row(id: string): ReturnType<CloudProviders['snapshot']>[number] {
    const found = this.providers.snapshot().find((row) => row.id === id);
    if (!found) throw new Error(`${id} is not shown`);
    return found;
  }

  /** Resolves when the row of the provider fits. */
  until(id: string, fits: (row: ReturnType<ProvidersRig['row']>) => boolean): Promise<ReturnType<ProvidersRig['row']>> {
    return new Promise((resolve) => {
      const look = (): void => {
        const row = this.row(id);
        if (!fits(row)) return;
        unsubscribe();
        resolve(row);
      };
      const unsubscribe = this.providers.changed.subscribe(look);
      look();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.providers.stop();
  }
}

/** A chat for a provider of the dialect. */
export function chatFor(dialect: 'openai' | 'anthropic', more: Partial<InferenceRequest> = {}): InferenceRequest {
  const { stream = false, model = 'big-model' } = more;
  const body = {
    model,
    max_tokens: 16,
    messages: [{ role: 'user', content: 'Hello' }],
    stream,
    ...(stream && dialect === 'openai' ? { stream_options: { include_usage: true } } : {}),
  };
  return {
    trace: 't',
    operation: 'chat',
    model,
    stream,
    dialect,
    body: Buffer.from(JSON.stringify(body)),
    ...more,
  };
}

export function textOf({ body }: WireResponse): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => (text += bytes.toString('utf8', start, end)),
      end: () => resolve(text),
      fail: reject,
    });
  });
}
