import { type NodeSnapshot } from '../../electron/contract/snapshot.ts';

export interface MemoryPart {
  readonly id: 'engine' | 'agent' | 'rest' | 'free';
  readonly name: string;
  readonly bytes: number;
}

/**
 * The machine's memory in four parts that add up to its total. Shared pages are counted with each process, so that
 * engines and agent together may seem to hold more than is in use; the rest is then nothing, never negative.
 */
export function splitMemory(memory: NodeSnapshot['system']['memory']): readonly MemoryPart[] {
  const used = clamp(memory.usedBytes, memory.totalBytes);
  const engine = clamp(memory.engineBytes, used);
  const agent = clamp(memory.agentBytes, used - engine);
  return [
    { id: 'engine', name: 'Engine', bytes: engine },
    { id: 'agent', name: 'Agent', bytes: agent },
    { id: 'rest', name: 'Everything else', bytes: used - engine - agent },
    { id: 'free', name: 'Free', bytes: memory.totalBytes - used },
  ];
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(0, value), most);
}
