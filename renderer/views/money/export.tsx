import { Download } from 'lucide-react';
import { type ReactElement } from 'react';
import { exportAddress } from '../../format/usage.ts';
import { type UsageLook } from '../../stores/usage.ts';

/** Every request of the range as a file: for sheets, and a line of JSON each. */
export function Export({ look }: { look: UsageLook | null }): ReactElement | null {
  if (look === null) return null;
  return (
    <span className="flex flex-wrap gap-2">
      <a className="button" href={exportAddress(look, 'csv')} download>
        <Download aria-hidden size={15} />
        Export CSV
      </a>
      <a className="button" href={exportAddress(look, 'json')} download>
        <Download aria-hidden size={15} />
        Export JSON lines
      </a>
    </span>
  );
}
