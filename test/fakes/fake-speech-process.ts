import { FakeProcess, startFake } from './fake-process.ts';
import type { FakeSpeechBehaviour, FakeSpeechState } from './fake-speech-behaviour.ts';

/** The fake provider of speech, running: `await using fake = await FakeSpeech.start();`. */
export class FakeSpeech extends FakeProcess<FakeSpeechBehaviour, FakeSpeechState> {
  static async start(): Promise<FakeSpeech> {
    return new FakeSpeech(await startFake('fake-speech.ts'));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when nothing is being spoken any more. */
  idle(): Promise<FakeSpeechState> {
    return this.call('/_fake/idle', {});
  }
}
