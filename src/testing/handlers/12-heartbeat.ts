/** Heartbeat: a member lives, and hears whether the group is rebalancing. */
import { Heartbeat } from '../../protocol/messages/heartbeat.ts';
import { handler } from '../handler.ts';
import { attempt } from '../refusal.ts';
import { codeOf, groupOf } from './11-join-group.ts';

export const heartbeat = handler(Heartbeat, (request, context) => ({
  errorCode: codeOf(attempt(() => groupOf(request.groupId, context).heartbeat(request))),
}));
