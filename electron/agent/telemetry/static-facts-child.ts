import { cpu, graphics, type Systeminformation } from 'systeminformation';

/** Started once by static-facts.ts: prints what the machine is made of as one line of JSON, and ends. */

const megabyte = 1024 * 1024;

function processorName({ manufacturer, brand }: Systeminformation.CpuData): string {
  const name = brand.startsWith(manufacturer) ? brand : `${manufacturer} ${brand}`;
  return name.replace(/\s+/g, ' ').trim();
}

function cardOf(card: Systeminformation.GraphicsControllerData): { name: string; memoryBytes: number | null } {
  const name = (card.name ?? card.model) || card.vendor || 'unknown graphics card';
  const megabytes = card.memoryTotal ?? card.vram;
  return { name, memoryBytes: megabytes ? megabytes * megabyte : null };
}

const [processor, { controllers }] = await Promise.all([cpu(), graphics()]);
process.stdout.write(JSON.stringify({ cpuModel: processorName(processor), gpus: controllers.map(cardOf) }));
