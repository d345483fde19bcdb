/** JoinGroup: the answer waits until the group is complete. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { JoinGroup, type JoinGroupReceivedRequest } from '../../protocol/messages/join-group.ts';
import { MemberIdRequired } from '../groups/group-coordinator.ts';
import type { JoinResult } from '../groups/member.ts';
import { handler } from '../handler.ts';
import { attemptAsync, Refusal } from '../refusal.ts';
import { demand, demandCoordinator, type RequestContext, spring } from '../request-context.ts';

/** First version in which a new member has to come back with the id it is told (KIP-394). */
const MEMBER_ID_REQUIRED_FROM = 4;

export const joinGroup = handler(JoinGroup, async (request, context) => {
  const result = await attemptAsync(async () => join(request, context));
  const { apiVersion } = context.header;
  if (result instanceof Refusal) {
    const memberId = result instanceof MemberIdRequired ? result.memberId : request.memberId;
    const protocolName = apiVersion >= 7 ? null : '';
    return { errorCode: result.errorCode, generationId: -1, protocolName, leader: '', memberId, members: [] };
  }
  const { errorCode, generationId, protocolType, leader, memberId } = result;
  const members = result.members.map((member) => (apiVersion >= 5 ? member : { ...member, groupInstanceId: null }));
  return {
    errorCode,
    generationId,
    protocolType,
    protocolName: result.protocolName ?? (apiVersion >= 7 ? null : ''),
    leader,
    memberId,
    members,
  };
});

const join = (request: JoinGroupReceivedRequest, context: RequestContext): Promise<JoinResult> | JoinResult => {
  const { groupId, memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols } = request;
  const { header, connection, cluster } = context;
  demand(context, 'read', 'group', groupId);
  spring(context);
  demandCoordinator(context, groupId);
  const member = {
    id: memberId,
    instanceId: groupInstanceId,
    clientId: header.clientId ?? '',
    clientHost: `/${connection.peer.slice(0, connection.peer.lastIndexOf(':'))}`,
    sessionTimeoutMs,
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocolType,
    // Views of the request's frame would keep all of it alive as long as the member lives.
    protocols: protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
  };
  return cluster.groups.join(groupId, member, header.apiVersion >= MEMBER_ID_REQUIRED_FROM);
};

/** For the other APIs of members: the group, or the error of one that does not exist. */
export const groupOf = (groupId: string, context: RequestContext) => {
  demand(context, 'read', 'group', groupId);
  spring(context);
  demandCoordinator(context, groupId);
  const group = context.cluster.groups.find(groupId);
  if (group === undefined) throw new Refusal('UNKNOWN_MEMBER_ID');
  return group.members;
};

export const codeOf = (outcome: unknown): number => (outcome instanceof Refusal ? outcome.errorCode : ErrorCode.NONE);
