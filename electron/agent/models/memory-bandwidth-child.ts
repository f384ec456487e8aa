import { setPriority } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/**
 * Started by memory-bandwidth.ts: reads memory with all usable threads for a second, prints the bytes per second of the
 * best tenth of it as one line of JSON, and ends.
 */

interface Share {
  readonly buffer: SharedArrayBuffer;
  readonly gate: SharedArrayBuffer;
  readonly from: number;
  readonly to: number;
}

const windowMs = 100;
const windows = 10;
const cacheLine = 64;
const page = 4_096;

/** One value of each cache line: the whole line comes from memory for it, and adding is no bottleneck. */
function readOnce(values: Float64Array): number {
  const stride = cacheLine / 8;
  let [a, b, c, d] = [0, 0, 0, 0];
  const end = values.length - 3 * stride;
  for (let at = 0; at < end; at += 4 * stride) {
    a += values[at] ?? 0;
    b += values[at + stride] ?? 0;
    c += values[at + 2 * stride] ?? 0;
    d += values[at + 3 * stride] ?? 0;
  }
  return a + b + c + d;
}

/** A thread: takes its share of the memory into use, waits for the others, and counts what it reads in each window. */
function read({ buffer, gate, from, to }: Share): { bytes: number[]; sum: number } {
  const values = new Float64Array(buffer, from, (to - from) / 8);
  for (let at = 0; at < values.length; at += page / 8) values[at] = at;
  const open = new Int32Array(gate);
  parentPort?.postMessage('ready');
  Atomics.wait(open, 0, 0);
  const bytes: number[] = [];
  let sum = 0;
  const begun = performance.now();
  for (let window = 1; window <= windows; window += 1) {
    let read_ = 0;
    // Pieces of a share, so that a window ends in time on a slow machine too.
    for (let at = 0; performance.now() - begun < window * windowMs; at = (at + 1) % 8) {
      const piece = values.subarray((values.length / 8) * at, (values.length / 8) * (at + 1));
      sum += readOnce(piece);
      read_ += piece.byteLength;
    }
    bytes.push(read_);
  }
  return { bytes, sum };
}

async function measure(threads: number, totalBytes: number): Promise<{ bytesPerS: number; threads: number }> {
  const buffer = new SharedArrayBuffer(totalBytes);
  const gate = new SharedArrayBuffer(4);
  const perThread = Math.floor(totalBytes / threads / (8 * page)) * 8 * page;
  const sums = new Array<number>(windows).fill(0);
  let waiting = threads;
  const runs = Array.from({ length: threads }, (_, index) => {
    const share: Share = { buffer, gate, from: index * perThread, to: (index + 1) * perThread };
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    return new Promise<void>((resolve, reject) => {
      worker.on('error', reject);
      worker.on('message', (message: 'ready' | { bytes: number[] }) => {
        if (message === 'ready') {
          waiting -= 1;
          if (waiting > 0) return;
          Atomics.store(new Int32Array(gate), 0, 1);
          Atomics.notify(new Int32Array(gate), 0);
          return;
        }
        message.bytes.forEach((bytes, window) => (sums[window] = (sums[window] ?? 0) + bytes));
        resolve();
      });
    });
  });
  await Promise.all(runs);
  return { bytesPerS: Math.round((Math.max(...sums) * 1_000) / windowMs), threads };
}

if (isMainThread) {
  // The least urgent there is: whoever needs the machine gets it.
  setPriority(19);
  const [threads, totalBytes] = process.argv.slice(2).map(Number);
  process.stdout.write(JSON.stringify(await measure(threads ?? 1, totalBytes ?? 128 * 2 ** 20)));
} else {
  parentPort?.postMessage(read(workerData as Share));
}
