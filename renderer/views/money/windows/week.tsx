import { Fragment, type ReactElement } from 'react';
import { type WindowSettings } from '../../../../electron/contract/cloud.ts';
import { dayName, days, openMinutes, type WallTime } from '../../../format/windows.ts';

const hours: readonly number[] = Array.from({ length: 24 }, (_, hour) => hour);

/** How much of every hour of the week all windows together leave open. */
export function Week({ windows, now }: { windows: readonly WindowSettings[]; now: WallTime }): ReactElement {
  const total = days.reduce((sum, day) => sum + hours.reduce((of, hour) => of + openMinutes(windows, day, hour), 0), 0);
  return (
    <figure className="m-0 min-w-0">
      <figcaption className="mb-1 text-sm text-muted">
        Together over the week: {Math.round(total / 6) / 10} of 168 hours
      </figcaption>
      <div
        role="img"
        aria-label={`Open ${Math.round(total / 6) / 10} of the 168 hours of a week; now is ${dayName(now.day)}, ${now.hour} o’clock`}
        className="week"
      >
        {days.map((day) => (
          <Fragment key={day}>
            <span>{dayName(day).slice(0, 2)}</span>
            {hours.map((hour) => (
              <span
                key={hour}
                className="week-cell"
                data-now={day === now.day && hour === now.hour ? '' : undefined}
                title={`${dayName(day)}, ${hour} o’clock: ${openMinutes(windows, day, hour)} minutes`}
              >
                <span
                  className="week-fill"
                  style={{ height: `${((openMinutes(windows, day, hour) / 60) * 100).toFixed(1)}%` }}
                />
              </span>
            ))}
          </Fragment>
        ))}
        <span />
        {hours.map((hour) => (
          <span key={hour} className="overflow-visible">
            {hour % 6 === 0 ? hour : ''}
          </span>
        ))}
      </div>
    </figure>
  );
}
