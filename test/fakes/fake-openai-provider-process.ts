import type { FakeProviderBehaviour, FakeProviderState, ProviderWire } from './fake-openai-provider-behaviour.ts';
import { FakeProcess, startFake, type StartedFake } from './fake-process.ts';

/** A fake provider of OpenAI's dialect, running: `await using fake = await FakeOpenAiProvider.start('xai');`. */
export class FakeOpenAiProvider extends FakeProcess<FakeProviderBehaviour, FakeProviderState> {
  readonly wire: ProviderWire;

  private constructor(wire: ProviderWire, started: StartedFake) {
    super(started);
    this.wire = wire;
  }

  static async start(wire: ProviderWire): Promise<FakeOpenAiProvider> {
    return new FakeOpenAiProvider(wire, await startFake('fake-openai-provider.ts', [wire]));
  }

  /** As an operator writes it into the settings. */
  get url(): string {
    return `http://127.0.0.1:${this.port}${this.wire === 'openrouter' ? '/api' : ''}`;
  }
}
