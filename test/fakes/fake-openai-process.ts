import type { FakeBehaviour, FakeState } from './fake-openai-behaviour.ts';
import { FakeProcess, startFake } from './fake-process.ts';

/** The fake upstream, running: `await using fake = await FakeOpenAi.start();`. */
export class FakeOpenAi extends FakeProcess<FakeBehaviour, FakeState> {
  /** `pin` prefixes the command, such as `['taskset', '-c', '1']`. */
  static async start(pin: readonly string[] = []): Promise<FakeOpenAi> {
    return new FakeOpenAi(await startFake('fake-openai.ts', [], pin));
  }

  /** Resolves when no answer is being made any more. */
  idle(): Promise<FakeState> {
    return this.call('/_fake/idle', {});
  }

  /** Closes every connection but the one that asks. */
  async closeSockets(): Promise<void> {
    await this.call('/_fake/close-sockets', {});
  }
}
