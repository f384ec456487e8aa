import { type KeyboardEvent, type PointerEvent, type ReactElement } from 'react';
import { type WindowSettings } from '../../../../electron/contract/cloud.ts';
import { plainLine } from '../../../format/plain-text.ts';
import {
  arcPath,
  coversHour,
  edgeAfterKey,
  minuteAt,
  placeOf,
  spanOf,
  unionOfMinutes,
  withEdge,
  type Edge,
  type WallTime,
} from '../../../format/windows.ts';

const radius = 72;

/** The sixty minutes of an hour as a ring: every window on it, the picked one with an edge to drag at both ends. */
export function Ring(props: {
  target: string;
  windows: readonly WindowSettings[];
  index: number;
  now: WallTime;
  onPick: (index: number) => void;
  onWindow: (window: WindowSettings) => void;
}): ReactElement {
  const { windows, index, now } = props;
  const picked = windows[index];
  const drag = (edge: Edge, event: PointerEvent<SVGGElement>): void => {
    const place = event.currentTarget.ownerSVGElement?.getBoundingClientRect();
    if (place === undefined || picked === undefined || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const [x, y] = [event.clientX - place.x - place.width / 2, event.clientY - place.y - place.height / 2];
    props.onWindow(withEdge(picked, edge, minuteAt(x, y)));
  };
  const together = unionOfMinutes(windows.filter((window) => coversHour(window, now.day, now.hour)));
  return (
    <svg
      viewBox="-100 -100 200 200"
      className="hour-ring"
      role="group"
      aria-label={`The hour of ${plainLine(props.target)}`}
    >
      <circle className="ring-track" r={radius} />
      <Face />
      {windows.map((window, at) => {
        const { from, to } = spanOf(window);
        return (
          <path
            key={at}
            d={arcPath(from, to, radius)}
            className="ring-window"
            data-picked={at === index ? '' : undefined}
            onClick={() => props.onPick(at)}
          />
        );
      })}
      {together.map(({ from, to }) => (
        <path key={from} d={arcPath(from, to, radius - 13)} className="ring-union" />
      ))}
      <Now minute={now.minute} />
      {picked !== undefined &&
        (['from', 'to'] as const).map((edge) => (
          <EdgeHandle
            key={edge}
            edge={edge}
            number={index + 1}
            minute={edge === 'from' ? picked.fromMinute : picked.toMinute}
            onDrag={(event) => drag(edge, event)}
            onMinute={(minute) => props.onWindow(withEdge(picked, edge, minute))}
          />
        ))}
    </svg>
  );
}

/** An end of the picked window. */
function EdgeHandle(props: {
  edge: Edge;
  number: number;
  minute: number;
  onDrag: (event: PointerEvent<SVGGElement>) => void;
  onMinute: (minute: number) => void;
}): ReactElement {
  const { x, y } = placeOf(props.minute, radius);
  const press = (event: KeyboardEvent): void => {
    const minute = edgeAfterKey(props.minute, event.key);
    if (minute === null) return;
    event.preventDefault();
    props.onMinute(minute);
  };
  return (
    <g
      role="slider"
      tabIndex={0}
      className="ring-edge"
      aria-label={`Window ${props.number}, ${props.edge === 'from' ? 'from' : 'to'} minute`}
      aria-valuemin={0}
      aria-valuemax={60}
      aria-valuenow={props.minute}
      aria-valuetext={`minute ${props.minute}`}
      onKeyDown={press}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={props.onDrag}
    >
      <circle cx={x} cy={y} r={16} fill="transparent" />
      <circle cx={x} cy={y} r={9} className="ring-handle" />
      <text x={x} y={y} className="ring-number" aria-hidden>
        {props.minute}
      </text>
    </g>
  );
}

const ticks: readonly number[] = Array.from({ length: 12 }, (_, index) => index * 5);

function Face(): ReactElement {
  return (
    <g aria-hidden>
      {ticks.map((minute) => {
        const [inner, outer, name] = [placeOf(minute, radius + 9), placeOf(minute, radius + 13), placeOf(minute, 91)];
        return (
          <g key={minute}>
            <line x1={inner.x} y1={inner.y} x2={outer.x} y2={outer.y} className="ring-tick" />
            {minute % 10 === 0 && (
              <text x={name.x} y={name.y} className="ring-number">
                {minute}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
}

function Now({ minute }: { minute: number }): ReactElement {
  const { x, y } = placeOf(minute, radius - 18);
  return (
    <g role="img" aria-label={`Now: minute ${minute}`}>
      <line x1={0} y1={0} x2={x} y2={y} className="ring-now" />
      <circle r={3} className="ring-now-dot" />
    </g>
  );
}
