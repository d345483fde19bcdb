/** ListGroups: the groups that this broker coordinates, so a complete list takes every broker. */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { ListGroups } from '../../protocol/messages/list-groups.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { allows, spring } from '../request-context.ts';

export const listGroups = handler(ListGroups, ({ statesFilter, typesFilter }, context) => {
  const planted = attempt(() => spring(context));
  if (planted instanceof Refusal) return { errorCode: planted.errorCode, groups: [] };
  const { cluster, broker } = context;
  const wanted = (filter: readonly string[], value: string): boolean =>
    filter.length === 0 || filter.some((each) => each.toLowerCase() === value.toLowerCase());
  const everything = allows(context, 'describe', 'cluster');
  const groups = [...cluster.groups.all]
    .map(({ members }) => members)
    .filter(({ id }) => cluster.coordinatorOf(id)?.id === broker.id)
    .filter(({ id }) => everything || allows(context, 'describe', 'group', id))
    .filter(({ state }) => wanted(statesFilter, state) && wanted(typesFilter, 'classic'))
    .map(({ id, protocolType, state }) => ({ groupId: id, protocolType: protocolType ?? '', groupState: state, groupType: 'classic' }));
  return { errorCode: ErrorCode.NONE, groups };
});
