import type { NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { formatBytes } from '../../../renderer/format/bytes.ts';
import { formatPercent, formatRate } from '../../../renderer/format/numbers.ts';

/** The figures of the panel's first screen that change with every beat, as text. */
export interface PanelFigures {
  readonly cpu: string;
  readonly memory: string;
  readonly tokens: string;
  readonly sentence: string;
}

/** An expression that reads them all at one moment in the page. */
export const readFigures = `(() => {
  const text = (name) => document.querySelector('[data-testid="' + name + '"]').textContent;
  return { cpu: text('cpu-now'), memory: text('memory-now'), tokens: text('tokens-now'), sentence: text('sentence') };
})()`;

/** What the page has to show for a snapshot. */
export function figuresOf({ system, gateway, node }: NodeSnapshot): PanelFigures {
  const { usedBytes, totalBytes } = system.memory;
  return {
    cpu: formatPercent(system.cpuPercent),
    memory: `${formatBytes(usedBytes)} of ${formatBytes(totalBytes)}`,
    tokens: formatRate(gateway.tokensPerSecond),
    sentence: node.sentence,
  };
}
