import { type ReactElement } from 'react';

/** How far something has come. `share` is 0–1, or null where that is not known. `text` says more than a percentage. */
export function ProgressBar(props: {
  label: string;
  share: number | null;
  text?: string;
  /** It stands still: paused, or ended before its end. */
  still?: boolean;
}): ReactElement {
  const { share } = props;
  const percent = share === null ? null : Math.floor(share * 100);
  return (
    <div
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(percent === null ? {} : { 'aria-valuenow': percent })}
      aria-valuetext={props.text ?? (percent === null ? 'Under way' : `${percent} %`)}
      className="progress"
      data-still={props.still === true ? '' : undefined}
    >
      <span
        className={share === null && props.still !== true ? 'progress-fill progress-unknown' : 'progress-fill'}
        style={{ width: share === null ? '' : `${(share * 100).toFixed(2)}%` }}
      />
    </div>
  );
}
