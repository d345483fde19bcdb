/** What may be asked of a mirror in which state, as data; whoever asks for something else is told why not, and what is possible. */
import { LinkError } from '../../errors.ts';
import type { MirrorState } from '../mirror-state.ts';

export type MirrorOperation = 'pause' | 'resume' | 'promote' | 'failover';

interface Rule {
  readonly from: readonly MirrorState[];
  /** Why not from any other state. */
  readonly because: string;
}

export const OPERATION_RULES: Readonly<Record<MirrorOperation, Rule>> = {
  pause: {
    from: ['PENDING_MIRROR', 'ACTIVE', 'SOURCE_UNAVAILABLE', 'LINK_PAUSED'],
    because: 'only a mirror that follows its source, or will again, can be paused',
  },
  resume: { from: ['PAUSED', 'LINK_PAUSED'], because: 'only a mirror that was paused can be resumed' },
  promote: {
    from: ['ACTIVE', 'PAUSED'],
    because: 'a promotion needs the source, and a mirror without failed partitions: use failover to stop without both',
  },
  failover: {
    from: ['PENDING_MIRROR', 'ACTIVE', 'PAUSED', 'LINK_PAUSED', 'SOURCE_UNAVAILABLE', 'FAILED', 'PENDING_STOPPED'],
    because: 'it was stopped already, and is an ordinary topic',
  },
};

/** Null when the operation may begin. */
export const refusal = (operation: MirrorOperation, topic: string, state: MirrorState): LinkError | null => {
  const { from, because } = OPERATION_RULES[operation];
  if (from.includes(state)) return null;
  const possible = (Object.keys(OPERATION_RULES) as MirrorOperation[]).filter((other) => OPERATION_RULES[other].from.includes(state));
  return new LinkError(
    'KLINK_STATE',
    `Mirror topic '${topic}' is ${state}: ${operation} is possible from ${from.join(', ')}, since ${because}. Possible now: ${possible.join(', ') || 'nothing'}`,
  );
};
