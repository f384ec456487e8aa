import { type ReactElement } from 'react';
import { plainLine } from '../format/plain-text.ts';

/** A string from the agent, on one line, kept from reordering the text around it. */
export function AgentText({ text }: { text: string }): ReactElement {
  return <bdi>{plainLine(text)}</bdi>;
}
