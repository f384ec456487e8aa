import type { FakeAnthropicBehaviour, FakeAnthropicState, FakeBill } from './fake-anthropic-behaviour.ts';
import { FakeProcess, startFake } from './fake-process.ts';

/** The fake upstream of the Anthropic dialect, running: `await using fake = await FakeAnthropic.start();`. */
export class FakeAnthropic extends FakeProcess<FakeAnthropicBehaviour, FakeAnthropicState> {
  static async start(): Promise<FakeAnthropic> {
    return new FakeAnthropic(await startFake('fake-anthropic.ts'));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when no answer is being made any more. */
  idle(): Promise<FakeAnthropicState> {
    return this.call('/_fake/idle', {});
  }

  /** All that was billed so far, in the order in which it was over. */
  bills(): Promise<FakeBill[]> {
    return this.call('/_fake/bills', {});
  }

  /** Lets the answers begin that are held. */
  async release(): Promise<void> {
    await this.call('/_fake/release', {});
  }

  /** Forgets the requests so far. */
  async forget(): Promise<void> {
    await this.call('/_fake/forget', {});
  }
}
