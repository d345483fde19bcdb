/** DeleteTopics: by name, or from v6 on by id. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DeleteTopics } from '../../protocol/messages/delete-topics.ts';
import { ZERO_UUID } from '../../protocol/schema.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { allows, demand, demandController, type RequestContext, spring } from '../request-context.ts';

export const deleteTopics = handler(DeleteTopics, ({ topics, topicNames }, context) => {
  const wanted = context.header.apiVersion >= 6 ? topics : topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
  return {
    responses: wanted.map(({ name, topicId }) => {
      const known = name ?? context.cluster.topicName(topicId) ?? null;
      const id = known === null ? topicId : (context.cluster.topic(known)?.id ?? topicId);
      const outcome = attempt(() => remove(known, context));
      const failed = outcome instanceof Refusal;
      return {
        name: known,
        topicId: id,
        errorCode: failed ? outcome.errorCode : ErrorCode.NONE,
        errorMessage: failed ? outcome.errorMessage : null,
      };
    }),
  };
});

const remove = (name: string | null, context: RequestContext): void => {
  demandController(context);
  if (name === null) throw new Refusal('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.');
  // Whoever may not even describe the topic is not told that it exists.
  if (!allows(context, 'delete', 'topic', name)) demand(context, 'describe', 'topic', name);
  demand(context, 'delete', 'topic', name);
  spring(context, name);
  if (context.cluster.topic(name) === undefined)
    throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.');
  context.cluster.deleteTopic(name);
};
