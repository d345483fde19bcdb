/** What each fault and each event of a simulation does, as a table. */
import { ErrorCode } from '../../../../src/protocol/error-codes.ts';
import { type Action, EVENTS, PERMANENT } from './faults.ts';
import { FILL_GRACE_MS } from './link-process.ts';
import { DESTINATION_BROKERS, type LogPair, type Scene, SOURCE_BROKERS } from './scene.ts';
import type { SourceLog } from './source-log.ts';
import type { Umpire } from './umpire.ts';
import type { World } from './world.ts';

/** By then a broker has written to disk where a log starts. */
const CHECKPOINT_MS = 60_000;
const DAY_MS = 86_400_000;

const other = (brokers: readonly number[], than: number): number => brokers.find((broker) => broker !== than) ?? than;

type Act = (scene: Scene, pair: LogPair, umpire: Umpire) => void;

/** The next append is answered with an error, and perhaps in the leader's log all the same. */
const answer =
  (errorCode: number, isWritten: boolean): Act =>
  ({ destination }) =>
    void destination.writeFaults.push({ errorCode, isWritten });

const cut =
  (side: 'source' | 'destination'): Act =>
  ({ world, processes }) => {
    const cluster = world.pick(processes)?.[side];
    const connection = world.pick(cluster?.connections ?? []);
    if (connection !== undefined) cluster?.cut(connection);
  };

const stop =
  (side: 'source' | 'destination'): Act =>
  (scene) => {
    const broker = scene.world.pick(scene[side].ids) ?? 0;
    scene[side].stop(broker);
    for (const { source, destination } of scene.processes) for (const cluster of [source, destination]) cluster.cutBroker(broker);
  };

export const ACTIONS: Readonly<Record<Action, Act>> = {
  append: ({ world, pairs }) => {
    for (const { from } of pairs) for (let n = world.below(5); n > 0; n--) from.append(world.random);
  },
  appendTime: ({ world }, { from }) => from.append(world.random, 'append-time'),
  transactional: ({ world }, { from }) => {
    for (let n = world.below(3); n >= 0; n--) from.append(world.random, 'transactional');
  },
  commit: ({ world }, { from }) => from.endTransaction(world.random, 'commit'),
  abort: ({ world }, { from }) => from.endTransaction(world.random, 'abort'),
  unknownControl: (_, { from }) => from.appendUnknownControl(),
  clean: ({ world }, { from, to }) => from.clean(world.random, to.end),
  trim: ({ world }, pair, umpire) => {
    const { from, to } = pair;
    from.trim(from.start + world.below(Math.max(1, Math.min(to.end, from.highWatermark) - from.start + 1)));
    umpire.expectExpiry(pair);
  },

  cutSource: cut('source'),
  cutDestination: cut('destination'),
  moveSourceLeader: ({ world, source }, { from }) => {
    source.remember();
    source.staleAnswers = world.below(3);
    from.moveLeader(other(SOURCE_BROKERS, from.leader));
    from.beLate(world.below(3));
  },
  moveDestinationLeader: ({ world, destination, options }, pair, umpire) => {
    const { partition, to } = pair;
    destination.remember();
    destination.staleAnswers = world.below(3);
    to.moveLeader(other(DESTINATION_BROKERS, to.leader), true);
    // A leader that has lost everything takes any sequence, also that of a batch which was sent to it when it led before.
    if (to.producers.size === 0 && options.acks === 1) umpire.excuse(partition, PERMANENT.foreignWrite);
    umpire.expectExpiry(pair);
  },
  notEnoughReplicas: answer(ErrorCode.NOT_ENOUGH_REPLICAS, false),
  notEnoughReplicasAfterAppend: answer(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND, true),
  requestTimedOut: answer(ErrorCode.REQUEST_TIMED_OUT, true),
  notLeader: answer(ErrorCode.NOT_LEADER_OR_FOLLOWER, false),
  evictSessions: ({ source }) => {
    for (const cache of source.sessions.values()) cache.evict();
  },
  fetchError: ({ world, source }) => {
    const codes = [ErrorCode.FETCH_SESSION_ID_NOT_FOUND, ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.INVALID_FETCH_SESSION_EPOCH];
    source.fetchFaults.push(world.pick(codes) ?? 0);
  },
  stopSourceBroker: stop('source'),
  stopDestinationBroker: stop('destination'),
  restartBrokers: ({ source, destination }) => {
    source.restartAll();
    destination.restartAll();
  },
  killProcess: (scene) => scene.restartProcess(),
  replicate: ({ pairs }) => {
    for (const { to } of pairs) to.replicate();
  },
  // A broker crashes before the log start was on disk, and is back at once.
  forgetStart: ({ world, processes }, { to }) => {
    if (world.clock.wallTime() - to.startMovedAt > CHECKPOINT_MS) return;
    to.forgetStart();
    for (const { destination } of processes) destination.cutBroker(to.leader);
  },
  dropDeleted: (_, { to }) => to.dropDeleted(),
  cleanMirror: ({ world }, { to }) => to.clean(world.random),

  foreignWrite: ({ world }, pair, umpire) => {
    umpire.expectForeign(pair);
    pair.to.writeForeign(world.random);
  },
  // Fillers have nothing in them by which another end could be told from the one that was copied.
  loseSourceTail: ({ world, source }, { partition, from }, umpire) => {
    source.remember();
    from.loseTail(1 + world.below(3), other(SOURCE_BROKERS, from.leader));
    umpire.excuse(partition, PERMANENT.loseSourceTail, true);
  },
  oldMessage: (_, { partition, from }, umpire) => {
    from.appendOldMessage();
    umpire.doom(partition, PERMANENT.oldMessage);
  },
  corrupt: ({ world }, { partition, from }, umpire) => {
    from.appendCorrupt(world.random);
    umpire.doom(partition, PERMANENT.corrupt);
  },
  trimAhead: ({ world }, pair, umpire) => {
    const { from } = pair;
    from.trim(from.start + world.below(from.highWatermark - from.start + 1));
    umpire.expectExpiry(pair);
  },
  lateRequest: ({ world, processes, destination }) => {
    const cluster = world.pick(processes)?.destination;
    const connection = world.pick((cluster?.connections ?? []).filter(({ isWriting }) => isWriting));
    if (connection === undefined) return;
    const from = FILL_GRACE_MS * (2 + world.below(60));
    destination.unexpectedLateness.push({ from, until: Number.POSITIVE_INFINITY, isUnexpected: true });
    cluster?.cut(connection);
    destination.unexpectedLateness.length = 0;
  },
  // Fillers in the wrong place may do no harm, and are told of all the same.
  forgetProducers: ({ world, options }, { partition, to }, umpire) => {
    umpire.excuse(partition, options.fillPolicy === 'markers' ? [] : PERMANENT.forgetProducers);
    to.forgetProducers(world.clock.wallTime() - DAY_MS);
  },
};

/** A life before the link: everything that logs go through. */
export const makeHistory = (log: SourceLog, world: World): void => {
  const { random } = world;
  const past: Readonly<Record<(typeof EVENTS)[number], () => void>> = {
    append: () => log.append(random),
    appendTime: () => log.append(random, 'append-time'),
    transactional: () => log.append(random, 'transactional'),
    commit: () => log.endTransaction(random, 'commit'),
    abort: () => log.endTransaction(random, 'abort'),
    unknownControl: () => log.appendUnknownControl(),
    clean: () => log.clean(random, 0),
    trim: () => log.trim(log.start + world.below(Math.max(1, (log.end - log.start) >> 1))),
  };
  for (let n = world.below(16); n > 0; n--) past[world.pick(EVENTS) ?? 'append']();
};
