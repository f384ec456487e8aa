import { useEffect, useRef, type ReactElement } from 'react';
import uPlot from 'uplot';
import { plotWindowMs, type PlotColumns } from '../format/plot-series.ts';

/** One line of a plot; `color` names a custom property such as `--leather`. */
export interface PlotLine {
  readonly color: `--${string}`;
  readonly fill: boolean;
}

export interface PlotProps {
  /** Everything that the picture says, in words. */
  readonly label: string;
  readonly columns: PlotColumns;
  readonly lines: readonly PlotLine[];
  /** Top of the axis; it starts at 0. */
  readonly top: number;
  readonly height: number;
  readonly formatY: (value: number) => string;
  /** Changes with the colours of the page, so that the plot is painted anew. */
  readonly paint: string;
  /** Index of the point under the pointer, null when it leaves. */
  readonly onPoint: (index: number | null) => void;
}

/** Lines over the last five minutes. The plot lives as long as the component and is fed, never rebuilt. */
export function Plot(props: PlotProps): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const made = new uPlot(plotOptions(element, latest), latest.current.columns, element);
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
    plot.current?.setData(props.columns);
  }, [props.columns, props.top]);
  useEffect(() => {
    plot.current?.redraw(true, true);
  }, [props.paint]);

  return <div ref={host} role="img" aria-label={props.label} className="w-full overflow-hidden" />;
}

function plotOptions(element: HTMLElement, latest: { readonly current: PlotProps }): uPlot.Options {
  const color = (name: string, alpha?: string): string => {
    const value = getComputedStyle(element).getPropertyValue(name).trim();
    return alpha === undefined ? value : value + alpha;
  };
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const seconds = plotWindowMs / 1000;
  const axis = { stroke: () => color('--muted'), font, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: latest.current.height,
    padding: [10, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: false, range: [-seconds, 0] },
      y: { range: () => [0, latest.current.top] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        gap: 4,
        grid: { show: false },
        splits: () => [-300, -240, -180, -120, -60, 0],
        values: (_, splits) => splits.map((at) => minutesAgo(at, element.clientWidth)),
      },
      {
        ...axis,
        size: 56,
        gap: 6,
        grid: { stroke: () => color('--line'), width: 1 },
        splits: () => [0, latest.current.top / 2, latest.current.top],
        values: (_, splits) => splits.map((value) => latest.current.formatY(value)),
      },
    ],
    series: [
      {},
      ...latest.current.lines.map((line) => ({
        stroke: () => color(line.color),
        width: 2,
        points: { show: false },
        ...(line.fill ? { fill: () => color(line.color, '2e') } : {}),
      })),
    ],
    hooks: { setCursor: [(drawn) => latest.current.onPoint(drawn.cursor.idx ?? null)] },
  };
}

/** Names of the time axis: every minute where there is room, else only its ends. The first one would be cut off. */
function minutesAgo(seconds: number, width: number): string {
  if (seconds === 0) return 'now';
  const minutes = -seconds / 60;
  if (minutes === 5 || (width < 420 && minutes % 2 === 1)) return '';
  return `${minutes} min`;
}
