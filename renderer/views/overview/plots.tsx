import { type ReactElement, type ReactNode } from 'react';
import { type HistoryPoint } from '../../../electron/contract/snapshot.ts';
import { type PlotLine } from '../../components/plot.tsx';
import { Section } from '../../components/section.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { formatFinePercent, formatPercent, formatRate, unknown } from '../../format/numbers.ts';
import { axisTop, highest } from '../../format/plot-series.ts';
import { useSnapshot } from '../../panel-context.ts';
import { PlotCard } from './plot-card.tsx';

type Pick = (point: HistoryPoint) => number;

const tokensPicks: readonly Pick[] = [(point) => point.tokensPerSecond];
const cpuPicks: readonly Pick[] = [(point) => point.cpuPercent];
const memoryPicks: readonly Pick[] = [(point) => point.memoryUsedBytes, (point) => point.engineBytes];
const pressurePicks: readonly Pick[] = [(point) => point.memoryPressure];

const leather: readonly PlotLine[] = [{ color: '--leather', fill: true }];
const creek: readonly PlotLine[] = [{ color: '--creek', fill: true }];
const hay: readonly PlotLine[] = [{ color: '--hay', fill: true }];
const memoryLines: readonly PlotLine[] = [
  { color: '--muted', fill: true },
  { color: '--leather', fill: true },
];

/** Tokens per second of all local streams. */
export function TokensPlot(): ReactElement {
  const gateway = useSnapshot((all) => all.gateway);
  return (
    <PlotCard
      title="Tokens per second"
      now={<Now value={formatRate(gateway.tokensPerSecond)} name="tokens-now" />}
      picks={tokensPicks}
      lines={leather}
      topOf={([, rates]) => axisTop(highest(rates), 5)}
      formatY={formatRateTick}
      describe={([rate]) => `${formatRate(rate ?? null)} tokens/s`}
      summary={([, rates]) => `${formatRate(gateway.tokensPerSecond)} now, ${formatRate(highest(rates))} at most`}
      height={190}
    />
  );
}

/** Processor time over all cores. */
export function CpuPlot(): ReactElement {
  const system = useSnapshot((all) => all.system);
  const load = system.loadAverage;
  return (
    <PlotCard
      title="CPU"
      now={<Now value={formatPercent(system.cpuPercent)} name="cpu-now" />}
      picks={cpuPicks}
      lines={creek}
      topOf={() => 100}
      formatY={formatPercent}
      describe={([percent]) => formatPercent(percent ?? null)}
      summary={([, percents]) => `${formatPercent(system.cpuPercent)} now, ${formatPercent(highest(percents))} at most`}
      height={140}
    >
      <p className="mt-2 text-sm text-muted">
        {system.perCore.length} {system.perCore.length === 1 ? 'core' : 'cores'}
        {load !== null && `, load ${load.map((value) => value.toFixed(2)).join(' · ')}`}
      </p>
    </PlotCard>
  );
}

/** Memory in use, and the engines' part of it. */
export function MemoryPlot({ children }: { children: ReactNode }): ReactElement {
  const memory = useSnapshot((all) => all.system.memory);
  const used = `${formatBytes(memory.usedBytes)} of ${formatBytes(memory.totalBytes)}`;
  return (
    <PlotCard
      title="Memory"
      now={<Now value={used} name="memory-now" />}
      picks={memoryPicks}
      lines={memoryLines}
      topOf={() => memory.totalBytes}
      formatY={formatBytes}
      describe={([all, engine]) => `${formatBytes(all ?? null)}, engine ${formatBytes(engine ?? null)}`}
      summary={([, all]) => `${used} now, ${formatBytes(highest(all))} at most`}
      height={140}
    >
      {children}
    </PlotCard>
  );
}

/** How much tasks wait for memory; Linux tells, other systems do not. */
export function PressurePlot(): ReactElement {
  const pressure = useSnapshot((all) => all.system.pressure);
  if (pressure === null) {
    return (
      <Section title="Memory pressure" aside={unknown}>
        <p className="text-muted">This system keeps no pressure figures.</p>
      </Section>
    );
  }
  return (
    <PlotCard
      title="Memory pressure"
      now={<Now value={formatFinePercent(pressure.memory)} name="pressure-now" />}
      picks={pressurePicks}
      lines={hay}
      topOf={([, percents]) => Math.min(100, axisTop(highest(percents), 10))}
      formatY={formatPercent}
      describe={([percent]) => formatFinePercent(percent ?? null)}
      summary={([, percents]) =>
        `${formatFinePercent(pressure.memory)} now, ${formatFinePercent(highest(percents))} at most`
      }
      height={140}
    >
      <p className="mt-2 text-sm text-muted">
        Waiting for CPU {formatFinePercent(pressure.cpu)}, for disks {formatFinePercent(pressure.io)}
      </p>
    </PlotCard>
  );
}

function Now({ value, name }: { value: string; name: string }): ReactElement {
  return (
    <span data-testid={name} className="text-xl font-semibold">
      {value}
    </span>
  );
}

function formatRateTick(value: number): string {
  return Number.isInteger(value) ? value.toString() : value.toFixed(1);
}
