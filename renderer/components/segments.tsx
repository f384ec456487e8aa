import { ToggleGroup } from 'radix-ui';
import { type ReactElement } from 'react';

/**
 * One of a few, all in sight. The arrow keys move the focus, Enter or the space bar picks: what costs money is not
 * picked by walking over it.
 */
export function Segments<Value extends string>(props: {
  label: string;
  value: Value;
  options: readonly { readonly id: Value; readonly word: string }[];
  onValue: (value: Value) => void;
  disabled?: boolean;
  /** An answer is awaited: the pick stays what it is until it comes. */
  busy?: boolean;
  describedBy?: string;
}): ReactElement {
  const choose = (text: string): void => {
    const found = props.options.find(({ id }) => id === text);
    if (found !== undefined && found.id !== props.value) props.onValue(found.id);
  };
  return (
    <ToggleGroup.Root
      type="single"
      value={props.value}
      onValueChange={choose}
      aria-label={props.label}
      aria-busy={props.busy === true}
      aria-describedby={props.describedBy}
      disabled={props.disabled === true}
      className="segments"
    >
      {props.options.map(({ id, word }) => (
        <ToggleGroup.Item key={id} value={id} className="segment">
          {word}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
