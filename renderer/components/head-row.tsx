import { type ReactElement } from 'react';

/** The heads of a ledger. */
export function HeadRow(props: {
  heads: readonly { readonly title: string; readonly number?: boolean }[];
}): ReactElement {
  return (
    <thead role="rowgroup">
      <tr role="row">
        {props.heads.map(({ title, number }) => (
          <th key={title} role="columnheader" scope="col" className={number === true ? 'number' : ''}>
            {title}
          </th>
        ))}
      </tr>
    </thead>
  );
}
