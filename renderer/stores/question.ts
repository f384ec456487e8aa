import { createStore, type StoreApi } from 'zustand/vanilla';
import { type QueryAnswer, type QueryName, type QueryParams } from '../../electron/contract/control.ts';
import { ControlError, type ControlHttp } from '../client/control-http.ts';

export interface QuestionState<Answer> {
  /** The latest answer; kept while the question is asked again. */
  readonly answer: Answer | null;
  readonly asking: boolean;
  /** Why the latest try brought no answer. */
  readonly failure: string | null;
}

/** One question to the agent, asked when something that shows the answer is opened. */
export interface Question<Answer> {
  readonly store: StoreApi<QuestionState<Answer>>;
  /** Asks, again if need be; an answer that is still out is no longer waited for. */
  readonly ask: () => void;
  readonly stop: () => void;
}

export function createQuestion<Name extends QueryName>(
  name: Name,
  params: QueryParams<Name>,
  deps: { http: Pick<ControlHttp, 'query'> },
): Question<QueryAnswer<Name>> {
  const store = createStore<QuestionState<QueryAnswer<Name>>>(() => ({ answer: null, asking: false, failure: null }));
  let current: AbortController | null = null;
  const stop = (): void => {
    current?.abort();
    current = null;
  };
  const ask = (): void => {
    stop();
    const controller = new AbortController();
    current = controller;
    store.setState({ asking: true, failure: null });
    deps.http.query(name, params, controller.signal).then(
      (answer) => {
        if (current === controller) store.setState({ answer, asking: false, failure: null });
      },
      (error: unknown) => {
        if (current !== controller) return;
        const failure = error instanceof ControlError ? error.message : 'The connection broke. Ask again.';
        store.setState({ asking: false, failure });
      },
    );
  };
  return { store, ask, stop };
}
