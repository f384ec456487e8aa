import { LineReader } from './line-reader.ts';

/** One message of an event stream. `event` is "message" unless the stream named it. */
export interface SseMessage {
  readonly event: string;
  readonly data: string;
}

/** No message of ours comes near this; a stream that does is not ours. */
const maxMessageChars = 16 * 1024 * 1024;

/** Turns the text of a server-sent event stream into messages. Comments (heartbeats) and ids are passed over. */
export class SseParser {
  private readonly lines = new LineReader({ maxLineChars: maxMessageChars });
  private event = '';
  private data: string[] = [];
  private dataChars = 0;

  /** The messages that `text` completes. Throws RangeError when one passes its bound. */
  push(text: string): SseMessage[] {
    const messages: SseMessage[] = [];
    for (const line of this.lines.push(text)) {
      if (line === '') {
        if (this.data.length > 0) {
          messages.push({ event: this.event === '' ? 'message' : this.event, data: this.data.join('\n') });
        }
        this.event = '';
        this.data = [];
        this.dataChars = 0;
      } else this.field(line);
    }
    return messages;
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon === -1 ? line : line.slice(0, colon);
    const rest = colon === -1 ? '' : line.slice(colon + 1);
    const value = rest.startsWith(' ') ? rest.slice(1) : rest;
    if (name === 'event') this.event = value;
    if (name !== 'data') return;
    this.data.push(value);
    this.dataChars += value.length;
    if (this.dataChars > maxMessageChars) throw new RangeError('A message of the stream is too long.');
  }
}
