import { type ReactElement } from 'react';
import { type NodeState } from '../../electron/contract/snapshot.ts';
import { nodeStateWord } from '../format/words.ts';
import { horseshoePath, nailPlaces } from './horseshoe-path.ts';
import { toneText } from './tone.ts';

/**
 * The node's load as a horseshoe: it fills with saturation, and each nail is an engine's slot, light while it works.
 * The figure inside is decoration for eyes; `label` says all of it.
 */
export function HorseshoeGauge(props: {
  state: NodeState;
  /** 0 to 1. */
  saturation: number;
  slots: { total: number; busy: number };
  figure: string;
  unit: string;
  label: string;
}): ReactElement {
  const { state, slots } = props;
  const share = Math.min(1, Math.max(0, props.saturation));
  return (
    <svg
      viewBox="0 0 200 204"
      role="img"
      aria-label={props.label}
      className={`block w-full ${toneText[nodeStateWord(state).tone]}`}
    >
      <path
        d={horseshoePath}
        fill="none"
        stroke="var(--line)"
        strokeWidth="27"
        strokeDasharray={state === 'stopped' ? '26 7' : undefined}
      />
      <path
        className="gauge-fill"
        d={horseshoePath}
        fill="none"
        stroke="currentColor"
        strokeWidth="27"
        pathLength={100}
        strokeDasharray="100 100"
        strokeDashoffset={100 - share * 100}
        visibility={share > 0 ? 'visible' : 'hidden'}
      />
      {nailPlaces(slots.total).map(([x, y], index) => (
        <circle
          key={index}
          cx={x}
          cy={y}
          r="5.5"
          fill={index < slots.busy ? 'var(--raised)' : 'var(--ground)'}
          stroke={index < slots.busy ? 'var(--ink)' : 'var(--muted)'}
          strokeWidth={index < slots.busy ? 2.5 : 1.5}
        />
      ))}
      <text x="100" y="112" textAnchor="middle" fill="var(--ink)" className="font-serif text-[44px]">
        {props.figure}
      </text>
      <text x="100" y="137" textAnchor="middle" fill="var(--muted)" className="font-sans text-[14px]">
        {props.unit}
      </text>
    </svg>
  );
}

/** The sign of the house; its shape tells the state, as the tray's icon does. */
export function HorseshoeMark({ state }: { state: NodeState | null }): ReactElement {
  const filled = state === 'serving' || state === 'saturated';
  return (
    <svg
      viewBox="0 0 200 204"
      aria-hidden
      className={`size-7 shrink-0 ${state === 'problem' ? 'text-barn' : 'text-leather'}`}
    >
      <path
        d={horseshoePath}
        fill="none"
        stroke="currentColor"
        strokeWidth="40"
        strokeDasharray={state === 'stopped' ? '170 46' : undefined}
      />
      {!filled && <path d={horseshoePath} fill="none" stroke="var(--ground)" strokeWidth="12" />}
      {state === 'saturated' && <rect x="40" y="88" width="120" height="26" fill="var(--ground)" />}
      {state === 'cloud' && <circle cx="100" cy="104" r="26" fill="currentColor" />}
      {state === 'problem' && (
        <g fill="currentColor">
          <rect x="88" y="62" width="24" height="66" rx="8" />
          <circle cx="100" cy="156" r="15" />
        </g>
      )}
    </svg>
  );
}
