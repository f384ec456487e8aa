import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { type QueryAnswer, type QueryName, type QueryParams } from '../../electron/contract/control.ts';
import { usePanel } from '../panel-context.ts';
import { createQuestion, type QuestionState } from '../stores/question.ts';

/**
 * The answer to a question, asked when the component appears, when the agent is there again after a loss, and when
 * `news` changes. The question itself stays what it was first: give the component a key to ask another.
 */
export function useQuestion<Name extends QueryName>(
  name: Name,
  params: QueryParams<Name>,
  news = '',
): QuestionState<QueryAnswer<Name>> & { readonly askAgain: () => void } {
  const { connection, http } = usePanel();
  const [question] = useState(() => createQuestion(name, params, { http }));
  const live = useStore(connection, (state) => (state.connection.phase === 'live' ? state.connection.since : null));
  useEffect(() => {
    if (live !== null) question.ask();
  }, [question, live, news]);
  useEffect(() => () => question.stop(), [question]);
  return { ...useStore(question.store), askAgain: question.ask };
}
