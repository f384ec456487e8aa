import { useEffect, useRef, type ReactElement } from 'react';
import uPlot from 'uplot';
import { formatMoney } from '../format/money.ts';
import { axisTop } from '../format/plot-series.ts';
import { slotName, type TimeSlot } from '../format/usage.ts';

export interface BarPlotProps {
  /** Everything that the picture says, in words. */
  readonly label: string;
  readonly slots: readonly TimeSlot[];
  readonly step: 'hour' | 'day';
  readonly height: number;
  /** Changes with the colours of the page, so that the plot is painted anew. */
  readonly paint: string;
  /** Index of the slot under the pointer, null when it leaves. */
  readonly onPoint: (index: number | null) => void;
}

/** Dollars as bars, the local share as a line over them. It lives as long as the component and is fed, never rebuilt. */
export function BarPlot(props: BarPlotProps): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const made = new uPlot(plotOptions(element, latest), columnsOf(latest.current.slots), element);
    plot.current = made;
    const watcher = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: latest.current.height });
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(columnsOf(props.slots));
  }, [props.slots, props.step]);
  useEffect(() => {
    plot.current?.redraw(true, true);
  }, [props.paint]);
  return <div ref={host} role="img" aria-label={props.label} className="w-full overflow-hidden" />;
}

/** Slots by their place, not by their time: days of 23 and 25 hours are as wide as others. */
function columnsOf(slots: readonly TimeSlot[]): [number[], number[], (number | null)[]] {
  return [
    slots.map((_, index) => index),
    slots.map(({ costUsd }) => costUsd),
    slots.map(({ localShare }) => (localShare === null ? null : localShare * 100)),
  ];
}

function plotOptions(element: HTMLElement, latest: { readonly current: BarPlotProps }): uPlot.Options {
  const color = (name: string, alpha = ''): string => getComputedStyle(element).getPropertyValue(name).trim() + alpha;
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const axis = { stroke: () => color('--muted'), font, ticks: { show: false } };
  const top = (): number =>
    axisTop(
      latest.current.slots.reduce((most, { costUsd }) => Math.max(most, costUsd), 0),
      0.01,
    );
  const bars = uPlot.paths.bars?.({ size: [0.7, 40], align: 0 });
  return {
    width: element.clientWidth,
    height: latest.current.height,
    padding: [10, 0, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, range: () => [-0.6, Math.max(1, latest.current.slots.length) - 0.4] },
      usd: { range: () => [0, top()] },
      percent: { range: [0, 100] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        gap: 4,
        grid: { show: false },
        splits: () => splitsOf(latest.current.slots.length, element.clientWidth, latest.current.step),
        values: (_, splits) =>
          splits.map((index) => {
            const slot = latest.current.slots[index];
            return slot === undefined ? '' : slotName(slot.at, latest.current.step).replace(/^\w{3} /u, '');
          }),
      },
      {
        ...axis,
        scale: 'usd',
        size: 62,
        gap: 6,
        grid: { stroke: () => color('--line'), width: 1 },
        splits: () => [0, top() / 2, top()],
        values: (_, splits) => splits.map((value) => formatMoney(value)),
      },
      // Its sides are an enum that exists in its types alone; 1 is the right one.
      Object.assign<uPlot.Axis, { side: number }>(
        {
          ...axis,
          scale: 'percent',
          size: 50,
          gap: 6,
          grid: { show: false },
          splits: () => [0, 50, 100],
          values: (_, splits) => splits.map((value) => `${value} %`),
        },
        { side: 1 },
      ),
    ],
    series: [
      {},
      {
        scale: 'usd',
        stroke: () => color('--leather'),
        fill: () => color('--leather', 'b0'),
        width: 1,
        points: { show: false },
        ...(bars === undefined ? {} : { paths: bars }),
      },
      {
        scale: 'percent',
        stroke: () => color('--sage'),
        width: 2,
        points: { show: true, size: 5, fill: () => color('--sage') },
        spanGaps: true,
      },
    ],
    hooks: { setCursor: [(drawn) => latest.current.onPoint(drawn.cursor.idx ?? null)] },
  };
}

/** Names under the bars: as many as there is room for, the last one among them. */
function splitsOf(count: number, width: number, step: 'hour' | 'day'): number[] {
  const room = Math.max(2, Math.floor((width - 112) / (step === 'hour' ? 52 : 60)));
  const every = Math.max(1, Math.ceil(count / room));
  return Array.from({ length: count }, (_, index) => index).filter((index) => (count - 1 - index) % every === 0);
}
