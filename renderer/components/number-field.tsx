import { useState, type ReactElement } from 'react';

/** A whole number in bounds. What is being typed may be none for a while; it is taken as soon as it is one. */
export function NumberField(props: {
  name: string;
  least: number;
  most: number;
  value: number;
  onValue: (value: number) => void;
}): ReactElement {
  const [typed, setTyped] = useState<string | null>(null);
  const take = (text: string): void => {
    setTyped(text);
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= props.least && value <= props.most)
      props.onValue(value);
  };
  return (
    <label className="min-w-0">
      <span className="block text-sm text-muted">{props.name}</span>
      <input
        className="field"
        type="number"
        inputMode="numeric"
        min={props.least}
        max={props.most}
        step={1}
        value={typed ?? props.value}
        onChange={(event) => take(event.target.value)}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}
