/** What a handler is: the answer of one API. */
import type { Api, ReceivedRequestOf } from '../protocol/schema.ts';
import type { Answer } from './interception.ts';
import type { RequestContext } from './request-context.ts';

/** Answers the requests of one API. Written as a method so that handlers of different APIs fit into one table. */
export interface Handler<A extends Api = Api> {
  readonly api: A;
  answer(request: ReceivedRequestOf<A>, context: RequestContext): Promise<Answer<A>> | Answer<A>;
}

/** Binds an API to its answer, with the types of both. */
export const handler = <A extends Api>(
  api: A,
  answer: (request: ReceivedRequestOf<A>, context: RequestContext) => Promise<Answer<A>> | Answer<A>,
): Handler<A> => ({ api, answer });
