import { type ReactElement } from 'react';
import { type WindowSettings } from '../../../../electron/contract/cloud.ts';
import { NumberField } from '../../../components/number-field.tsx';
import { dayName, days } from '../../../format/windows.ts';

/** One window as numbers: minutes of each hour, hours of the day, days of the week. */
export function WindowFields(props: {
  window: WindowSettings;
  onWindow: (window: WindowSettings) => void;
}): ReactElement {
  const { window } = props;
  const put = (part: Partial<WindowSettings>): void => props.onWindow({ ...window, ...part });
  const toggle = (day: number): void => {
    const next = days.filter((one) => (one === day ? !window.days.includes(day) : window.days.includes(one)));
    // The last day stays: a window that is never open is one to take away.
    if (next.length > 0) put({ days: next });
  };
  return (
    <div className="grid gap-3">
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        <NumberField
          name="From minute"
          least={0}
          most={59}
          value={window.fromMinute}
          onValue={(fromMinute) => put({ fromMinute })}
        />
        <NumberField
          name="To minute"
          least={1}
          most={60}
          value={window.toMinute}
          onValue={(toMinute) => put({ toMinute })}
        />
        <NumberField
          name="From hour"
          least={0}
          most={23}
          value={window.fromHour}
          onValue={(fromHour) => put({ fromHour })}
        />
        <NumberField name="To hour" least={1} most={24} value={window.toHour} onValue={(toHour) => put({ toHour })} />
      </div>
      <div role="group" aria-label="Days" className="flex flex-wrap gap-1.5">
        {days.map((day) => (
          <button
            key={day}
            type="button"
            className="day-toggle"
            aria-pressed={window.days.includes(day)}
            aria-label={dayName(day)}
            onClick={() => toggle(day)}
          >
            {dayName(day).slice(0, 2)}
          </button>
        ))}
      </div>
      <p className="text-sm text-muted">
        “To” is no longer part of it. Minutes that end before they begin run over the full hour, hours over midnight.
      </p>
    </div>
  );
}
