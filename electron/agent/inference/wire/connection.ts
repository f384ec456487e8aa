import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Whoever sends a request over a connection, for as long as the answer lasts. */
export interface ConnectionUser {
  /** Bytes arrived; they stay valid. False pauses the connection until {@link Connection.resume}. */
  data(bytes: Buffer): boolean;
  /** The connection ended, by an error or orderly. */
  closed(error: Error | null): void;
}

/** How an https upstream is recognised. Its certificate is always verified, for the name or address it is reached by. */
export interface TlsTrust {
  /** Certificates of authorities, PEM, instead of those that the platform trusts. */
  readonly ca?: readonly string[];
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** Left out: plain TCP. */
  readonly tls?: TlsTrust;
}

const slabBytes = 32 * 1024;
const slabRestBytes = 4 * 1024;
/** Up to this size a body is copied behind its head: one plain write costs less than one of two pieces. */
const copiedBytes = 16 * 1024;

/**
 * A TCP connection to an upstream that is used by one request at a time. Reads land in a slab that is cut up and never
 * written twice: one allocation serves hundreds of tokens, and what was handed out may be written on without a copy.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #onClosed: (connection: Connection) => void;
  #user: ConnectionUser | null = null;
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  #offset = 0;
  #connected = false;
  #closed = false;
  /** Told when the other side has closed too, after {@link leave}. */
  #onLeft: (() => void) | null = null;
  #error: Error | null = null;
  /** How many requests it has carried before the present one. */
  served = 0;
  /** When it became idle, monotonic milliseconds. */
  idleSinceMs = 0;

  constructor(options: ConnectionOptions, onClosed: (connection: Connection) => void) {
    this.#onClosed = onClosed;
    const onread: OnReadOpts = {
      buffer: () => this.#nextBuffer(),
      callback: (readBytes) => this.#read(readBytes),
    };
    this.#socket = options.tls ? openTls(options, options.tls, onread) : open(options, onread);
    this.#socket.on(options.tls ? 'secureConnect' : 'connect', () => (this.#connected = true));
    this.#socket.on('error', (error) => (this.#error = error));
    this.#socket.on('end', () => {
      this.#end();
    });
    this.#socket.on('close', () => {
      this.#end();
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Whether all that was written has left the process. */
  get flushed(): boolean {
    return this.#socket.writableLength === 0;
  }

  use(user: ConnectionUser | null): void {
    this.#user = user;
  }

  send(head: string, body: Buffer | null): void {
    if (body === null) {
      this.#socket.write(head, 'latin1');
      return;
    }
    if (body.length <= copiedBytes) {
      const whole = Buffer.allocUnsafe(head.length + body.length);
      whole.write(head, 0, 'latin1');
      body.copy(whole, head.length);
      this.#socket.write(whole);
      return;
    }
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    this.#socket.write(body);
    this.#socket.uncork();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes it; the user hears nothing. It counts no longer from here on, though the socket closes a little later. */
  destroy(): void {
    this.#user = null;
    this.#end();
  }

  /** Closes it and tells the user. */
  abort(): void {
    this.#end();
  }

  /**
   * Closes this side alone, and counts no longer from here on; the user hears nothing, and what still arrives goes
   * nowhere. `onLeft` hears once that the other side has closed as well: it has noticed then that nobody listens. The
   * result closes both sides at once; null when both are closed already.
   */
  leave(onLeft: () => void): (() => void) | null {
    this.#user = null;
    if (this.#closed || !this.#connected) {
      // The other side closed it, or has heard of nothing.
      this.#end();
      onLeft();
      return null;
    }
    this.#closed = true;
    this.#onLeft = onLeft;
    this.#onClosed(this);
    this.#socket.end();
    this.#socket.resume();
    return () => {
      this.#left();
    };
  }

  #left(): void {
    const onLeft = this.#onLeft;
    this.#onLeft = null;
    this.#socket.destroy();
    onLeft?.();
  }

  #nextBuffer(): Buffer {
    if (slabBytes - this.#offset < slabRestBytes) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
      this.#offset = 0;
    }
    return this.#slab.subarray(this.#offset);
  }

  #read(readBytes: number): boolean {
    if (this.#onLeft) return true;
    const bytes = this.#slab.subarray(this.#offset, this.#offset + readBytes);
    this.#offset += readBytes;
    if (this.#user) return this.#user.data(bytes);
    // Nobody asked for these bytes: the upstream's idea of where answers end is not ours.
    this.#socket.destroy();
    return true;
  }

  #end(): void {
    if (this.#closed) {
      this.#left();
      return;
    }
    this.#closed = true;
    this.#socket.destroy();
    this.#onClosed(this);
    const user = this.#user;
    this.#user = null;
    user?.closed(this.#error);
  }
}

function open({ host, port }: ConnectionOptions, onread: OnReadOpts): Socket {
  return connect({ host, port, noDelay: true, onread });
}

function openTls({ host, port }: ConnectionOptions, { ca }: TlsTrust, onread: OnReadOpts): Socket {
  // Addresses have no place in the extension that names the server (RFC 6066 §3).
  const servername = isIP(host) === 0 ? host : '';
  const trust = ca === undefined ? {} : { ca: [...ca] };
  const options = { host, port, servername, ALPNProtocols: ['http/1.1'], onread, ...trust };
  return connectTls(options).setNoDelay(true);
}
