/** ConsumerGroupDescribe: groups of the new protocol (KIP-848) are not played, so none is found and tools fall back to DescribeGroups. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { ConsumerGroupDescribe } from '../../protocol/messages/consumer-group-describe.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { demand, demandCoordinator, spring } from '../request-context.ts';

export const consumerGroupDescribe = handler(ConsumerGroupDescribe, ({ groupIds }, context) => ({
  groups: groupIds.map((groupId) => {
    const refusal = attempt(() => {
      demand(context, 'describe', 'group', groupId);
      spring(context);
      demandCoordinator(context, groupId);
    });
    return {
      errorCode: refusal instanceof Refusal ? refusal.errorCode : ErrorCode.GROUP_ID_NOT_FOUND,
      errorMessage: refusal instanceof Refusal ? refusal.errorMessage : `Group ${groupId} is not a consumer group.`,
      groupId,
      groupState: '',
      groupEpoch: 0,
      assignmentEpoch: 0,
      assignorName: '',
      members: [],
    };
  }),
}));
