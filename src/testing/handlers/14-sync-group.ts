/** SyncGroup: the leader brings the assignment, the others wait for theirs. */
import { SyncGroup, type SyncGroupReceivedRequest } from '../../protocol/messages/sync-group.ts';
import { NO_ASSIGNMENT, type SyncResult } from '../groups/member.ts';
import { handler } from '../handler.ts';
import { attemptAsync, Refusal } from '../refusal.ts';
import type { RequestContext } from '../request-context.ts';
import { groupOf } from './11-join-group.ts';

export const syncGroup = handler(SyncGroup, async (request, context) => {
  const result = await attemptAsync(async () => sync(request, context));
  return result instanceof Refusal ? { errorCode: result.errorCode, assignment: NO_ASSIGNMENT } : result;
});

const sync = (request: SyncGroupReceivedRequest, context: RequestContext): Promise<SyncResult> => {
  const group = groupOf(request.groupId, context);
  const { protocolType, protocolName } = request;
  const differs = (said: string | null, known: string | null): boolean => said !== null && known !== null && said !== known;
  if (differs(protocolType, group.protocolType) || differs(protocolName, group.protocolName))
    throw new Refusal('INCONSISTENT_GROUP_PROTOCOL');
  const assignments = request.assignments.map(({ memberId, assignment }) => ({ memberId, assignment: Buffer.from(assignment) }));
  return group.sync(request, assignments);
};
