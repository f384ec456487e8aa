import { type NodeSnapshot } from '../../electron/contract/snapshot.ts';
import { plainLine } from './plain-text.ts';
import { engineStateWord } from './words.ts';

/** What of the page is worth saying aloud when it changes. */
export interface Announced {
  readonly phase: 'connecting' | 'live' | 'lost' | 'signed-out';
  readonly snapshot: Pick<NodeSnapshot, 'node' | 'engines' | 'notices'> | null;
}

/** Sentences for what changed between two states of the page; none when only figures moved. */
export function announcements(before: Announced, after: Announced): string[] {
  const news: string[] = [];
  if (before.phase !== after.phase) {
    if (after.phase === 'lost') news.push('The connection to the agent is lost. The figures shown are old.');
    if (after.phase === 'signed-out') news.push('This page is not signed in.');
    if (after.phase === 'live' && before.phase !== 'connecting') news.push('Connected to the agent again.');
  }
  if (after.snapshot === null || before.snapshot === after.snapshot) return news;
  const old = before.snapshot;
  if (old?.node.state !== after.snapshot.node.state) news.push(plainLine(after.snapshot.node.sentence));
  if (old === null) return news;
  for (const engine of after.snapshot.engines) {
    const previous = old.engines.find((one) => one.id === engine.id);
    if (previous?.state === engine.state) continue;
    news.push(`Engine ${plainLine(engine.id)}: ${engineStateWord(engine.state).word}.`);
  }
  for (const notice of after.snapshot.notices) {
    if (!old.notices.some((one) => one.id === notice.id)) news.push(plainLine(notice.sentence));
  }
  return news;
}
