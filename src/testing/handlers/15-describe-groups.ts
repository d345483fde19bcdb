/** DescribeGroups: state and members of classic groups. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeGroups } from '../../protocol/messages/describe-groups.ts';
import { NO_ASSIGNMENT } from '../groups/member.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { demand, demandCoordinator, type RequestContext, spring } from '../request-context.ts';
import { authorizedOperations, NOT_ASKED } from './authorized-operations.ts';

/** First version that says GROUP_ID_NOT_FOUND of a group that does not exist; before, such a group is Dead and all is well. */
const NOT_FOUND_FROM = 6;

export const describeGroups = handler(DescribeGroups, ({ groups, includeAuthorizedOperations }, context) => ({
  groups: groups.map((groupId) => {
    const group = attempt(() => described(groupId, context));
    const answer = group instanceof Refusal ? dead(groupId, group.errorCode) : group;
    const asked = includeAuthorizedOperations && answer.errorCode === ErrorCode.NONE;
    return { ...answer, authorizedOperations: asked ? authorizedOperations(context, 'group', groupId) : NOT_ASKED };
  }),
}));

const dead = (groupId: string, errorCode: number) => ({
  errorCode,
  groupId,
  groupState: errorCode === ErrorCode.NONE || errorCode === ErrorCode.GROUP_ID_NOT_FOUND ? 'Dead' : '',
  protocolType: '',
  protocolData: '',
  members: [],
});

const described = (groupId: string, context: RequestContext) => {
  demand(context, 'describe', 'group', groupId);
  spring(context);
  demandCoordinator(context, groupId);
  const group = context.cluster.groups.find(groupId)?.members;
  if (group === undefined)
    return dead(groupId, context.header.apiVersion >= NOT_FOUND_FROM ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE);
  const { state, protocolType, protocolName } = group;
  const stable = state === 'Stable';
  return {
    errorCode: ErrorCode.NONE as number,
    groupId,
    groupState: state as string,
    protocolType: protocolType ?? '',
    protocolData: stable ? (protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.id,
      groupInstanceId: member.setup.instanceId,
      clientId: member.setup.clientId,
      clientHost: member.setup.clientHost,
      memberMetadata: stable ? member.metadataOf(protocolName ?? '') : NO_ASSIGNMENT,
      memberAssignment: stable ? member.assignment : NO_ASSIGNMENT,
    })),
  };
};
