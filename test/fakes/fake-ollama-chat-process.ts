import type { FakeOllamaChatBehaviour, FakeOllamaChatState } from './fake-ollama-chat-behaviour.ts';
import { FakeProcess, startFake } from './fake-process.ts';

/** The fake upstream of the Ollama dialect, running: `await using fake = await FakeOllamaChat.start();`. */
export class FakeOllamaChat extends FakeProcess<FakeOllamaChatBehaviour, FakeOllamaChatState> {
  static async start(): Promise<FakeOllamaChat> {
    return new FakeOllamaChat(await startFake('fake-ollama-chat.ts'));
  }

  /** Resolves when no answer is being made any more. */
  idle(): Promise<FakeOllamaChatState> {
    return this.call('/_fake/idle', {});
  }
}
