/** Where a partition goes on, found by looking at both logs: every state that a mirror can be found in, and what is said about those that cannot go on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MirrorTopicError } from '../../../../src/link/mirror-failure.ts';
import { fillerBatch, PADDING_TIMESTAMP } from '../../../../src/link/replication/filler-batch.ts';
import { type DenseRun, rebuildBatch } from '../../../../src/link/replication/rebuild-batch.ts';
import { ListOffsets } from '../../../../src/protocol/messages/list-offsets.ts';
import { makeOldMessage } from '../../../property/link/simulation/batches.ts';
import { failure } from '../../client/open-connection.ts';
import { type Pair, records, Stage } from './two-logs.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage[Symbol.asyncDispose]());

const PADDING = { as: 'records', timestamp: PADDING_TIMESTAMP };

const refusal = async (alignment: Promise<unknown>, reason: MirrorTopicError, ...says: readonly RegExp[]): Promise<void> => {
  const error = await failure(alignment);
  expect(error).toMatchObject({ name: 'MirrorFailure', reason });
  for (const pattern of says) expect(error.message).toMatch(pattern);
};

describe('a new mirror', () => {
  it('begins at 0 where the source does', async () => {
    const pair = await stage.pair();
    const nothing = {
      offset: 0,
      fetchOffset: 0,
      sequence: 0,
      lastFetchedEpoch: -1,
      endsUnguarded: false,
      mirrorStart: 0,
      sourceStart: 0,
    };
    expect(await pair.align()).toMatchObject({ ...nothing, sourceEnd: 0 });
    await pair.source.append(records(5));
    expect(await pair.align()).toMatchObject({ ...nothing, sourceEnd: 5 });
  });

  it('of a source that begins later is padded up to there, whatever the fill policy, before anything is fetched from it', async () => {
    const pair = await stage.pair();
    await pair.source.append(records(9));
    pair.source.deleteRecords(6n);
    for (const fillPolicy of ['markers', 'refuse'] as const) {
      const found = await pair.align({ fillPolicy, sourceTrimmed: 'stop' });
      expect(found).toMatchObject({ offset: 0, fetchOffset: 6, padding: PADDING, sequence: 0, lastFetchedEpoch: -1, sourceStart: 6 });
    }
  });

  it('begins at the offset that was chosen, or where the source begins if that is later', async () => {
    const pair = await stage.pair();
    await pair.source.append(records(9));
    pair.source.deleteRecords(3n);
    expect(await pair.align({}, { startOffset: 7 })).toMatchObject({ offset: 0, fetchOffset: 7, padding: PADDING, sourceStart: 3 });
    expect(await pair.align({}, { startOffset: 1 })).toMatchObject({ offset: 0, fetchOffset: 3 });
  });

  it('that may not be padded so far is refused with what it would cost', async () => {
    const pair = await stage.pair();
    pair.source.startAt(2_000_000n);
    await refusal(pair.align(), 'UNSUPPORTED_LOG_START', /offset 2000000/, /MB|kB/, /settings\.paddingMaxOffsets/);
    await pair.align({ paddingMaxOffsets: 2_000_000 });
  });

  it('of a log with old messages at its head is told from where on it could be mirrored', async () => {
    const pair = await stage.pair();
    for (const offset of [0, 1, 2]) pair.source.appendRaw(makeOldMessage(offset));
    await pair.source.append(records(2));
    await refusal(pair.align(), 'UNSUPPORTED_MESSAGE_FORMAT', /\b3\b/);
    expect(await pair.align({}, { startOffset: 3 })).toMatchObject({ fetchOffset: 3, padding: PADDING });
  });

  it('copies up to the first open transaction', async () => {
    const pair = await stage.pair();
    await pair.source.append(records(4));
    await pair.transaction(2, 'open');
    expect(await pair.align()).toMatchObject({ offset: 0, sourceEnd: 4 });
  });
});

describe('a mirror that goes on', () => {
  it('does so at its end, in the epoch of the last batch at the source', async () => {
    const pair = await stage.pair();
    await pair.both(3, 2);
    await pair.source.append(records(4, 'more'));
    expect(await pair.align()).toMatchObject({
      offset: 5,
      fetchOffset: 5,
      sequence: 5,
      lastFetchedEpoch: 0,
      sourceEnd: 9,
      endsUnguarded: false,
    });
  });

  it('behind markers goes on with the sequence behind its last record', async () => {
    const pair = await stage.pair();
    await pair.both(3);
    await pair.transaction(2, 'abort');
    pair.marked(3);
    expect(await pair.align()).toMatchObject({ offset: 6, sequence: 3, endsUnguarded: true });
    await pair.source.append(records(1, 'behind'));
    await pair.copied(records(1, 'behind'));
    expect(await pair.align()).toMatchObject({ offset: 7, sequence: 4, endsUnguarded: false });
  });

  it('whose leader has forgotten the link goes on with any sequence, and takes that of its offset', async () => {
    const pair = await stage.pair();
    await pair.both(3);
    await pair.transaction(2, 'abort');
    pair.marked(3);
    // By the time of their records, which are old.
    expect(await pair.align()).toMatchObject({ isForgotten: false });
    stage.destinationKafka.expireProducerIds();
    expect(await pair.align()).toMatchObject({ offset: 6, sequence: 6, isForgotten: true });
  });

  it('ends with a copy of whomever, if it is one', async () => {
    const pair = await stage.pair();
    await pair.source.append(records(3));
    await pair.mirror.append(records(3), { producerId: 77n, producerEpoch: 0, baseSequence: 0 });
    expect(await pair.align()).toMatchObject({ offset: 3, lastFetchedEpoch: 0 });
    expect(await pair.align({}, { own: false })).toMatchObject({ offset: 3, sequence: 3 });
  });

  it.each([
    [
      'a marker of the source',
      async ({ source }: Pair): Promise<void> => {
        source.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: 9n, producerEpoch: 0 });
      },
      1,
    ],
    ['an aborted batch', (pair: Pair) => pair.transaction(2, 'abort'), 2],
    ['an aborted batch and its marker', (pair: Pair) => pair.transaction(2, 'abort'), 3],
    ['a hole', async (pair: Pair) => pair.raw(records(1), { baseOffset: pair.source.endOffset + 4n }), 3],
    ['what compaction took from the end of a batch', (pair: Pair) => pair.raw(records(1, 'kept'), { lastOffsetDelta: 3 }), 4],
  ] as const)('ends with markers in the place of %s', async (what, write, markers) => {
    const pair = await stage.pair();
    await pair.both(2);
    await write(pair);
    if (what.startsWith('what compaction')) {
      await pair.copied(records(1, 'kept'));
      pair.marked(markers - 1);
    } else {
      pair.marked(markers);
    }
    expect(await pair.align()).toMatchObject({ offset: 2 + markers, endsUnguarded: true });
  });

  it.each(['ghosts', 'records'] as const)(
    'ends with %s in the place of an aborted transaction, its marker and the hole behind it',
    async (fillPolicy) => {
      for (const count of [2, 3, 5]) {
        const pair = await stage.pair();
        await pair.both(2);
        await pair.transaction(2, 'abort');
        await pair.raw(records(1), { baseOffset: pair.source.endOffset + 2n });
        await pair.copiedBytes(await fillerBatch(fillPolicy, count, 5n), count);
        expect(await pair.align({ fillPolicy })).toMatchObject({ offset: 2 + count, sequence: 2 + count, endsUnguarded: false });
      }
    },
  );

  it('ends in the middle of a batch that was rebuilt', async () => {
    const pair = await stage.pair();
    const sparse = records(6, 'sparse').map((record, i) => ({ ...record, offsetDelta: [0, 1, 4, 5, 6, 9][i] ?? 0 }));
    await pair.raw(sparse, { compression: 'gzip', lastOffsetDelta: 11 });
    const [original] = pair.source.batches();
    const runs: readonly DenseRun[] = await rebuildBatch(original!, 0);
    expect(runs.map(({ offset, count }) => [offset, count])).toEqual([
      [0, 2],
      [4, 3],
      [9, 1],
    ]);
    let end = 0;
    for (const { offset, count, bytes } of runs) {
      pair.marked(offset - end);
      await pair.copiedBytes(bytes, count);
      end = offset + count;
      expect(await pair.align()).toMatchObject({ offset: end, lastFetchedEpoch: 0 });
    }
    pair.marked(2);
    expect(await pair.align()).toMatchObject({ offset: 12, endsUnguarded: true });
  });

  it.each(['none', 'gzip'] as const)(
    'ends with a LogAppendTime batch whose times are those of a producer now (%s)',
    async (compression) => {
      const pair = await stage.pair();
      await pair.raw(records(3), { logAppendTime: 1_700_000_009_000n, compression });
      const [run] = await rebuildBatch(pair.source.batches()[0]!, 0);
      await pair.copiedBytes(run!.bytes, 3);
      expect(await pair.align()).toMatchObject({ offset: 3 });
    },
  );

  it('ends with a committed batch that is in no transaction any more', async () => {
    const pair = await stage.pair();
    await pair.transaction(3, 'commit');
    await pair.copied(records(3, 'txn0'));
    expect(await pair.align()).toMatchObject({ offset: 3, sourceEnd: 4 });
    pair.marked(1);
    expect(await pair.align()).toMatchObject({ offset: 4, endsUnguarded: true });
  });

  it('ends with what the source has compacted away since', async () => {
    const pair = await stage.pair();
    await pair.copied(records(4, 'whole'));
    const left = records(4, 'whole').flatMap((record, offsetDelta) => (offsetDelta % 2 === 0 ? [{ ...record, offsetDelta }] : []));
    await pair.raw(left, { lastOffsetDelta: 3 });
    expect(await pair.align()).toMatchObject({ offset: 4, lastFetchedEpoch: 0 });
  });

  it('ends with what the source has lost altogether since, up to its next batch', async () => {
    const pair = await stage.pair();
    await pair.copied(records(4));
    await pair.raw(records(1), { baseOffset: 4n });
    expect(await pair.align()).toMatchObject({ offset: 4, lastFetchedEpoch: -1 });
  });
});

describe('a mirror behind the start of its source', () => {
  const trimmed = async (): Promise<Pair> => {
    const pair = await stage.pair();
    await pair.both(4);
    await pair.source.append(records(6, 'gone'));
    pair.source.deleteRecords(8n);
    return pair;
  };

  it('leaves out what the source has deleted, with markers where there are few', async () => {
    const found = await (await trimmed()).align();
    expect(found).toMatchObject({
      offset: 4,
      fetchOffset: 8,
      padding: { as: 'markers' },
      sequence: 4,
      lastFetchedEpoch: -1,
      sourceStart: 8,
    });
  });

  it('leaves it out with padding where there is much', async () => {
    const pair = await stage.pair();
    await pair.both(4);
    pair.source.startAt(100_004n);
    expect(await pair.align()).toMatchObject({ fetchOffset: 100_004, padding: { as: 'markers' } });
    pair.source.startAt(100_005n);
    expect(await pair.align()).toMatchObject({ fetchOffset: 100_005, padding: PADDING });
  });

  it.each(['ghosts', 'records', 'refuse'] as const)('leaves it out with padding under a policy of %s', async (fillPolicy) => {
    expect(await (await trimmed()).align({ fillPolicy })).toMatchObject({ offset: 4, fetchOffset: 8, padding: PADDING });
  });

  it('stops if that was asked for, and counts what was lost', async () => {
    await refusal((await trimmed()).align({ sourceTrimmed: 'stop' }), 'SOURCE_RECORDS_EXPIRED', /offset 4\b/, /at 8\b/, /: 4 offset/);
  });

  it('aborts what it has copied of transactions that ended in what was deleted', async () => {
    const pair = await stage.pair();
    await pair.both(2);
    const [early, late] = [2n ** 62n + 9n, 2n ** 62n + 4n];
    for (const producerId of [early, late]) {
      await pair.transaction(1, 'open', producerId - 2n ** 62n);
      await pair.mirror.append(records(1, 'open'), { producerId, producerEpoch: 3, baseSequence: 0, transactional: true });
    }
    for (const producerId of [9n, 4n])
      pair.source.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId, producerEpoch: 0 });
    await pair.source.append(records(2));
    const abort = { producerEpoch: 3, commit: false, coordinatorEpoch: 0 };
    pair.source.deleteRecords(5n);
    expect(await pair.align({}, { transactions: 'exact' })).toMatchObject({
      offset: 4,
      fetchOffset: 5,
      aborts: [{ ...abort, producerId: early }],
    });
    pair.source.deleteRecords(7n);
    expect(await pair.align({}, { transactions: 'exact' })).toMatchObject({
      offset: 4,
      fetchOffset: 7,
      aborts: [
        { ...abort, producerId: early },
        { ...abort, producerId: late },
      ],
      padding: { as: 'markers' },
    });
  });

  it('whose end is exactly that start has lost nothing', async () => {
    const pair = await stage.pair();
    await pair.both(4);
    pair.source.deleteRecords(4n);
    expect(await pair.align({ sourceTrimmed: 'stop' })).toMatchObject({ offset: 4, fetchOffset: 4, sequence: 4 });
  });

  it('goes on padding where it was interrupted, also when the source must not lose anything', async () => {
    const pair = await stage.pair();
    pair.source.startAt(50n);
    await pair.source.append(records(1));
    await pair.copiedBytes(await fillerBatch('records', 20, PADDING_TIMESTAMP), 20);
    expect(await pair.align({ sourceTrimmed: 'stop' })).toMatchObject({ offset: 20, fetchOffset: 50, padding: PADDING, sequence: 20 });
  });

  it('goes on where padding has ended, before or after it was cut off', async () => {
    const pair = await stage.pair();
    pair.source.startAt(20n);
    await pair.source.append(records(3));
    await pair.copiedBytes(await fillerBatch('records', 20, PADDING_TIMESTAMP), 20);
    expect(await pair.align({ sourceTrimmed: 'stop' })).toMatchObject({ offset: 20, fetchOffset: 20, mirrorStart: 0, sequence: 20 });
    pair.mirror.deleteRecords(20n);
    expect(await pair.align({ sourceTrimmed: 'stop' })).toMatchObject({ offset: 20, fetchOffset: 20, mirrorStart: 20, sequence: 20 });
  });

  it('that was emptied goes on at its end', async () => {
    const pair = await stage.pair();
    await pair.both(4);
    await pair.source.append(records(2));
    pair.mirror.deleteRecords(4n);
    expect(await pair.align()).toMatchObject({ offset: 4, fetchOffset: 4, mirrorStart: 4, sequence: 4, lastFetchedEpoch: 0 });
  });

  it('is not the link’s when its last batch is somebody else’s', async () => {
    const pair = await stage.pair();
    await pair.mirror.append(records(4, 'foreign'));
    pair.source.startAt(4n);
    await pair.source.append(records(4));
    await refusal(pair.align(), 'DESTINATION_DIVERGED', /offset 3 /);
  });

  it('is nobody’s that is known before the link has a producer', async () => {
    const pair = await stage.pair();
    await pair.both(4);
    pair.source.deleteRecords(4n);
    await pair.source.append(records(1));
    await refusal(pair.align({}, { own: false }), 'DESTINATION_DIVERGED', /offset 3 /);
  });
});

describe('a mirror that cannot go on', () => {
  it('has other records than the source, and is not the link’s', async () => {
    const pair = await stage.pair();
    await pair.source.append(records(4));
    await pair.mirror.append(records(4, 'other'));
    await refusal(pair.align(), 'DESTINATION_DIVERGED', /offset 3 /);
  });

  it('has markers where the source has records', async () => {
    const pair = await stage.pair();
    await pair.both(2);
    await pair.transaction(2, 'commit');
    pair.marked(1);
    await refusal(pair.align(), 'DESTINATION_FOREIGN_WRITE', /offset 2 /, /marker/);
  });

  it.each([
    ['under a policy of markers', 'markers'],
    ['under a policy of ghosts', 'ghosts'],
  ] as const)('has an empty record of the link where the source has a record, %s', async (_, fillPolicy) => {
    const pair = await stage.pair();
    await pair.both(2);
    await pair.transaction(1, 'commit');
    await pair.copiedBytes(await fillerBatch('records', 1, 5n), 1);
    await refusal(pair.align({ fillPolicy }), 'UNEXPECTED_TRUNCATION', /offset 2 /);
  });

  it('was displaced: somebody else wrote into it before', async () => {
    const pair = await stage.pair();
    await pair.both(2);
    for (const tag of ['x', 'y']) await pair.source.append(records(3, tag));
    await pair.mirror.append(records(3, 'foreign'));
    await pair.copied(records(3, 'x'));
    await refusal(pair.align(), 'DESTINATION_FOREIGN_WRITE', /offset 5 .*source offset 2/, /Deny writes/);
  });

  describe('was displaced to where the source has nothing any more: what lies before it tells', () => {
    /** What the link has copied lies behind one foreign record, each in the place of what came after it. */
    const displaced = async (pair: Pair, ...counts: readonly number[]): Promise<void> => {
      await pair.both(2);
      await pair.source.append(records(1, 'x'));
      await pair.mirror.append(records(1, 'foreign'));
      await pair.copied(records(1, 'x'));
      for (const count of counts) await pair.copied(records(count, `compacted${count}`));
    };

    it('in a hole', async () => {
      const pair = await stage.pair();
      await displaced(pair, 1);
      await pair.raw(records(1, 'later'), { baseOffset: 9n });
      await refusal(pair.align(), 'DESTINATION_FOREIGN_WRITE', /offset 2 .*nor the link's/, /Deny writes/);
    });

    it('in what compaction has left of a batch', async () => {
      const pair = await stage.pair();
      await displaced(pair, 1, 1, 1);
      await pair.raw([{ ...records(1, 'later')[0]!, offsetDelta: 6 }], { lastOffsetDelta: 6 });
      await refusal(pair.align(), 'DESTINATION_FOREIGN_WRITE', /offset 2 .*nor the link's/, /Deny writes/);
    });

    it('which is its own beginning', async () => {
      const pair = await stage.pair();
      await pair.both(2);
      await pair.source.append(records(4, 'x'));
      await pair.raw(records(1, 'later'), { baseOffset: 20n });
      await pair.mirror.append(records(1, 'foreign'));
      await pair.copied(records(4, 'x'));
      await refusal(pair.align(), 'DESTINATION_FOREIGN_WRITE', /offset 3 .*source offset 2/, /Deny writes/);
    });

    it('by a marker in the place of a record', async () => {
      const pair = await stage.pair();
      await pair.both(2);
      await pair.transaction(1, 'abort');
      await pair.source.append(records(1, 'x'));
      await pair.raw(records(1, 'later'), { baseOffset: 9n });
      pair.marked(1);
      await pair.mirror.append(records(1, 'foreign'));
      pair.marked(1);
      await pair.copied(records(1, 'x'));
      await refusal(pair.align(), 'DESTINATION_FOREIGN_WRITE', /offset 4 .*marker/);
    });

    it('by a filler that nobody sees in the place of a record', async () => {
      const pair = await stage.pair();
      await pair.both(2);
      await pair.transaction(1, 'abort');
      await pair.source.append(records(1, 'x'));
      await pair.raw(records(1, 'later'), { baseOffset: 9n });
      await pair.mirror.append(records(1, 'foreign'));
      await pair.copiedBytes(await fillerBatch('ghosts', 2, 5n), 2);
      await pair.copied(records(1, 'x'));
      await refusal(pair.align({ fillPolicy: 'ghosts' }), 'DESTINATION_FOREIGN_WRITE', /offset 4 .*unseen record/);
    });

    it('by another source', async () => {
      const pair = await stage.pair();
      await pair.both(2);
      await pair.source.append(records(2, 'new'));
      await pair.raw(records(1, 'later'), { baseOffset: 9n });
      await pair.copied(records(2, 'old'));
      await pair.copied(records(1, 'compacted'));
      await refusal(pair.align(), 'UNEXPECTED_TRUNCATION', /offset 3 /, /alike up to offset 2\b/);
    });

    it('and not what the source has nothing to say against', async () => {
      const pair = await stage.pair();
      await pair.both(2);
      for (let n = 0; n < 9; n++) await pair.copied(records(1, `compacted${n}`));
      await pair.raw(records(1, 'later'), { baseOffset: 20n });
      expect(await pair.align()).toMatchObject({ offset: 11 });
    });
  });

  it.each(['markers', 'ghosts', 'refuse'] as const)('has padding where its source begins, under a policy of %s', async (fillPolicy) => {
    const hole = async (pair: Pair): Promise<void> => pair.raw(records(1), { baseOffset: pair.source.endOffset + 5n });
    const sparse = async (pair: Pair): Promise<void> => pair.raw([{ ...records(1)[0]!, offsetDelta: 3 }], { lastOffsetDelta: 4 });
    for (const write of [hole, sparse]) {
      const pair = await stage.pair();
      pair.source.startAt(3n);
      await write(pair);
      await pair.mirror.append(records(1, 'foreign'));
      await pair.copiedBytes(await fillerBatch('records', 3, PADDING_TIMESTAMP), 3);
      await refusal(pair.align({ fillPolicy }), 'DESTINATION_FOREIGN_WRITE', /offset 3 .*padding/, /Repair/);
      expect(await pair.align({ fillPolicy: 'records' })).toMatchObject({ offset: 4 });
    }
  });

  it('shows what was aborted', async () => {
    const pair = await stage.pair();
    await pair.both(2);
    await pair.transaction(3, 'abort');
    await pair.copied(records(3, 'txn2'));
    expect(pair.mirror.batches().at(-1)?.payload).toEqual(pair.source.batches()[1]?.payload);
    await refusal(pair.align(), 'UNEXPECTED_TRUNCATION', /offset 4 /);
    await refusal(pair.align({}, { own: false }), 'DESTINATION_DIVERGED');
  });

  it('has what the source has replaced since, from an offset that is told', async () => {
    const pair = await stage.pair();
    await pair.both(2, 2, 2);
    for (let n = 0; n < 6; n++) {
      await pair.source.append(records(2, `new${n}`));
      await pair.copied(records(2, `old${n}`));
    }
    await refusal(pair.align(), 'UNEXPECTED_TRUNCATION', /offset 17 /, /alike up to offset 6\b/, /12 offset\(s\)/);
  });

  it('has what the source has lost', async () => {
    const pair = await stage.pair();
    await pair.both(3, 3);
    pair.source.truncate(3n);
    await refusal(pair.align(), 'UNEXPECTED_TRUNCATION', /ends at offset 6/, /source at 3/, /3 offset/, /alike up to offset 3\b/);
    pair.mirror.deleteRecords(6n);
    await refusal(pair.align(), 'UNEXPECTED_TRUNCATION', /cannot be seen any more/);
  });

  it('has what the source has lost, and the source has gone on since', async () => {
    const pair = await stage.pair();
    await pair.both(2, 2, 2, 3, 3, 3);
    pair.source.truncate(6n);
    for (const tag of ['x', 'y']) await pair.source.append(records(1, tag));
    await refusal(
      pair.align(),
      'UNEXPECTED_TRUNCATION',
      /ends at offset 15, the source at 8/,
      /alike up to offset 6\b/,
      /9 offset\(s\) from there/,
    );
  });

  it('has lost the source behind its markers', async () => {
    const pair = await stage.pair();
    await pair.both(3);
    pair.marked(2);
    await refusal(pair.align(), 'UNEXPECTED_TRUNCATION', /2 offset/);
  });

  it('is ahead because somebody else wrote into it', async () => {
    const pair = await stage.pair();
    await pair.both(3);
    await pair.mirror.append(records(2, 'foreign'));
    await refusal(pair.align(), 'DESTINATION_FOREIGN_WRITE', /2 offset\(s\) more/, /Deny writes/);
  });

  it('ends in a batch that the source holds in an old format', async () => {
    const pair = await stage.pair();
    for (const offset of [0, 1]) pair.source.appendRaw(makeOldMessage(offset));
    await pair.source.append(records(2));
    await pair.copied(records(2));
    await refusal(pair.align(), 'UNSUPPORTED_MESSAGE_FORMAT');
  });

  it('of a transactional batch was copied from another source', async () => {
    const pair = await stage.pair();
    await pair.transaction(3, 'commit');
    await pair.copied(records(3, 'other'));
    await refusal(pair.align(), 'UNEXPECTED_TRUNCATION', /offset 2 /);
  });

  it('of a sparse batch was copied from another source', async () => {
    const pair = await stage.pair();
    await pair.raw([...records(2, 'left')], { lastOffsetDelta: 3 });
    await pair.copied(records(2, 'else'));
    await refusal(pair.align(), 'UNEXPECTED_TRUNCATION', /offset 1 /);
  });
});

describe('an alignment that must be tried again', () => {
  it('finds a mirror whose last batch is not replicated yet', async () => {
    const pair = await stage.pair();
    await pair.both(3);
    pair.mirror.holdHighWatermark();
    await pair.both(1);
    expect(await failure(pair.align())).toMatchObject({ code: 'KLINK_STATE', retriable: true });
    pair.mirror.releaseHighWatermark();
    expect(await pair.align()).toMatchObject({ offset: 4 });
  });

  it('reads end and sequence of one moment, while another process of the link writes', async () => {
    const pair = await stage.pair();
    await pair.both(3);
    await pair.source.append(records(5, 'late'));
    let writes = 0;
    const stop = stage.destinationKafka.intercept(ListOffsets, async (_, proceed) => {
      const answer = await proceed();
      if (writes++ === 0) await pair.copied(records(5, 'late'));
      return answer;
    });
    const { offset, sequence } = await pair.align();
    stop();
    expect({ offset, sequence }).toEqual({ offset: 8, sequence: 8 });
  });

  it('gives up for now when that process does not pause', async () => {
    const pair = await stage.pair();
    await pair.both(1);
    const stop = stage.destinationKafka.intercept(ListOffsets, async (_, proceed) => {
      await pair.both(1);
      return proceed();
    });
    const error = await failure(pair.align());
    stop();
    expect(error).toMatchObject({ code: 'KLINK_STATE', retriable: true });
  });
});
