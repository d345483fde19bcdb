/** DeleteGroups: only groups without members go. */
import { DeleteGroups } from '../../protocol/messages/delete-groups.ts';
import { handler } from '../handler.ts';
import { attempt } from '../refusal.ts';
import { demand, demandCoordinator, spring } from '../request-context.ts';
import { codeOf } from './11-join-group.ts';

export const deleteGroups = handler(DeleteGroups, ({ groupsNames }, context) => ({
  results: groupsNames.map((groupId) => {
    const outcome = attempt(() => {
      demand(context, 'delete', 'group', groupId);
      spring(context);
      demandCoordinator(context, groupId);
      context.cluster.groups.delete(groupId);
    });
    return { groupId, errorCode: codeOf(outcome) };
  }),
}));
