import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { projectRoot } from '../../../build/bundling/product.ts';
import { type FakeOrders } from '../../fakes/fake-orders.ts';

const factsSchema = z.object({
  received: z.array(z.object({ path: z.string(), body: z.unknown() })),
  readers: z.number(),
  logs: z.number(),
  hungUp: z.number(),
  seq: z.number(),
});

/** The fake control server in a process of its own, serving the built panel. Disposing ends it. */
export class FakeControl implements AsyncDisposable {
  readonly url: string;
  readonly #end: () => Promise<void>;

  constructor(url: string, end: () => Promise<void>) {
    this.url = url;
    this.#end = end;
  }

  get signInUrl(): string {
    return `${this.url}/sign-in?ticket=any`;
  }

  get port(): string {
    return new URL(this.url).port;
  }

  async order(orders: FakeOrders): Promise<void> {
    const response = await fetch(`${this.url}/fake/orders`, { method: 'POST', body: JSON.stringify(orders) });
    if (!response.ok) throw new Error(`the fake refused an order with ${response.status}`);
  }

  async facts(): Promise<z.infer<typeof factsSchema>> {
    return factsSchema.parse(await (await fetch(`${this.url}/fake/facts`)).json());
  }

  /** Ends it at once, as kill -9 does. */
  async kill(): Promise<void> {
    await this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}

/** Starts the fake. `ticking` sends news every second; without it they come only on orders. */
export async function startFakeControl(options: { port?: string; ticking?: boolean } = {}): Promise<FakeControl> {
  const args = [join(projectRoot, 'test/fakes/fake-control.ts'), '--panel', join(projectRoot, 'dist/panel')];
  if (options.port !== undefined) args.push('--port', options.port);
  if (options.ticking !== true) args.push('--quiet');
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([
    once(lines, 'line'),
    exited.then(() => Promise.reject(new Error('the fake control server did not start'))),
  ]);
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(String(first[0])));
  return new FakeControl(url, async () => {
    child.kill('SIGKILL');
    await exited;
  });
}
