/** LeaveGroup: one member goes (v0–2), or several (v3+, KIP-345). */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { LeaveGroup } from '../../protocol/messages/leave-group.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { codeOf, groupOf } from './11-join-group.ts';

export const leaveGroup = handler(LeaveGroup, ({ groupId, memberId, members }, context) => {
  const group = attempt(() => groupOf(groupId, context));
  if (context.header.apiVersion < 3) {
    return { errorCode: codeOf(group instanceof Refusal ? group : attempt(() => group.leave(memberId, null))) };
  }
  if (group instanceof Refusal && group.errorCode !== ErrorCode.UNKNOWN_MEMBER_ID) return { errorCode: group.errorCode };
  return {
    errorCode: ErrorCode.NONE,
    members: members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      errorCode: codeOf(group instanceof Refusal ? group : attempt(() => group.leave(member.memberId, member.groupInstanceId))),
    })),
  };
});
