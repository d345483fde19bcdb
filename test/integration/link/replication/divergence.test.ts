/** Where two logs go apart that began alike: never later than they do, and exactly there wherever it can be seen. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildBatch } from '../../../../src/codec/batch-builder.ts';
import { describeDivergence, findDivergence } from '../../../../src/link/replication/divergence.ts';
import { Fetch } from '../../../../src/protocol/messages/fetch.ts';
import { never, type Pair, records, Stage } from './two-logs.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage[Symbol.asyncDispose]());

const find = ({ topic, source, mirror }: Pair): Promise<number | null> => {
  const rangeOf = (log: Pair['source']) => ({ start: Number(log.startOffset), end: Number(log.endOffset) });
  const ranges = { source: rangeOf(source), mirror: rangeOf(mirror) };
  return findDivergence(stage.context, { topic, sourceTopic: topic, partition: 0 }, ranges, never);
};

/** Batches of other records on both sides, at the same offsets. */
const apart = async (pair: Pair, ...counts: readonly number[]): Promise<void> => {
  for (const count of counts) {
    const tag = `${pair.source.endOffset}`;
    await pair.source.append(records(count, `new${tag}`));
    await pair.copied(records(count, `old${tag}`));
  }
};

describe('two logs', () => {
  it.each([0, 1, 2, 7, 19, 20])('of twenty batches, the first %i of them alike', async (alike) => {
    const pair = await stage.pair();
    const sizes = Array.from({ length: 20 }, (_, n) => 1 + (n % 4));
    await pair.both(...sizes.slice(0, alike));
    const expected = Number(pair.source.endOffset);
    await apart(pair, ...sizes.slice(alike));
    expect(await find(pair)).toBe(expected);
  });

  it('whose batches have other borders where they go apart', async () => {
    const pair = await stage.pair();
    await pair.both(3, 3);
    for (const count of [2, 5, 1]) await pair.source.append(records(count, `new${count}`));
    for (const count of [4, 4]) await pair.copied(records(count, `old${count}`));
    expect(await find(pair)).toBe(6);
  });

  it('of which one is longer', async () => {
    for (const longer of ['source', 'mirror'] as const) {
      const pair = await stage.pair();
      await pair.both(3, 3);
      await apart(pair, 2);
      if (longer === 'source') await pair.source.append(records(9, 'more'));
      else await pair.copied(records(9, 'more'));
      expect(await find(pair)).toBe(6);
    }
  });

  it('that have nothing in common any more', async () => {
    const pair = await stage.pair();
    await pair.both(3);
    pair.mirror.deleteRecords(3n);
    expect(await find(pair)).toBeNull();
    expect(describeDivergence(null, { start: 3, end: 3 })).toMatch(/cannot be seen/);
  });

  it('of which the beginning was deleted on both sides', async () => {
    const pair = await stage.pair();
    await pair.both(5, 5, 5);
    await apart(pair, 5, 5);
    pair.source.deleteRecords(7n);
    pair.mirror.deleteRecords(3n);
    expect(await find(pair)).toBe(15);
  });

  it('of thousands of offsets take as many looks as the number of offsets has binary digits', async () => {
    const pair = await stage.pair();
    await pair.both(900, 900, 900);
    await apart(pair, 900, 396);
    let looks = 0;
    const stop = stage.sourceKafka.intercept(Fetch, (_, proceed) => {
      looks++;
      return proceed();
    });
    expect(await find(pair)).toBe(2_700);
    stop();
    expect(looks).toBeLessThanOrEqual(13);
  });
});

describe('what says nothing about the logs around it', () => {
  it('is not taken for a sign that they are alike: markers on both sides', async () => {
    const pair = await stage.pair();
    await pair.both(4);
    for (let n = 0; n < 12; n++) {
      await apart(pair, 1);
      pair.source.appendMarker({ result: 'commit', coordinatorEpoch: 0 }, { producerId: 9n, producerEpoch: 0 });
      pair.marked(1);
    }
    expect(await find(pair)).toBe(4);
  });

  it('is not taken for a sign that they are alike: holes of the source', async () => {
    const pair = await stage.pair();
    await pair.both(4);
    for (let n = 0; n < 8; n++) {
      const base = pair.source.endOffset;
      await pair.raw(records(1, `new${base}`));
      await pair.raw(records(1, `new${base + 9n}`), { baseOffset: base + 9n });
      await pair.copied(records(1, `old${base}`));
      pair.marked(8);
      await pair.copied(records(1, `old${base + 9n}`));
    }
    expect(await find(pair)).toBe(4);
  });

  it('does not hide where they go apart when it lies just before', async () => {
    const pair = await stage.pair();
    await pair.both(4);
    await pair.transaction(6, 'abort');
    pair.marked(7);
    await pair.both(1);
    await apart(pair, 1, 1, 1);
    expect(await find(pair)).toBe(12);
  });

  it('is what compaction took of one side alone', async () => {
    const pair = await stage.pair();
    const some = (base: number, tag: string, left: readonly number[]) => ({
      records: records(4, `${tag}${base}`).flatMap((record, offsetDelta) =>
        left.includes(offsetDelta) ? [{ ...record, offsetDelta }] : [],
      ),
      options: { baseOffset: BigInt(base), lastOffsetDelta: 3, partitionLeaderEpoch: 0 },
    });
    for (let base = 0; base < 80; base += 4) {
      const tags = base < 40 ? ['same', 'same'] : ['new', 'old'];
      // Some batches have no record in common, the others have one.
      const source = some(base, tags[0]!, base % 12 === 4 ? [0, 1] : [0, 1, 2]);
      const mirror = some(base, tags[1]!, [2, 3]);
      pair.source.appendRaw(await buildBatch(source.records, source.options));
      pair.mirror.appendRaw(await buildBatch(mirror.records, mirror.options));
    }
    expect(await find(pair)).toBe(40);
  });

  it('is passed quickly, however long it is', async () => {
    const pair = await stage.pair();
    await pair.both(4);
    await pair.raw(records(1, 'new'), { baseOffset: 1_000n });
    pair.marked(996);
    await pair.copied(records(1, 'old'));
    await apart(pair, 3);
    let looks = 0;
    const stop = stage.sourceKafka.intercept(Fetch, (_, proceed) => {
      looks++;
      return proceed();
    });
    const found = await find(pair);
    stop();
    expect(found).toBe(4);
    expect(looks).toBeLessThan(150);
  });

  it('is counted as apart where nothing follows that would tell', async () => {
    const pair = await stage.pair();
    await pair.both(4);
    await apart(pair, 2);
    await pair.transaction(5, 'abort');
    pair.marked(6);
    const found = await find(pair);
    expect(found).toBe(4);
    expect(describeDivergence(found, { start: 0, end: 12 })).toMatch(/alike up to offset 4;.* 8 offset\(s\)/);
  });

  it('is no marker that stands where the source has records: that says it all', async () => {
    const pair = await stage.pair();
    await pair.both(4);
    await pair.source.append(records(1, 'new'));
    pair.marked(1);
    // As if nothing had happened. The search begins in the middle.
    await pair.both(4);
    expect(await find(pair)).toBe(4);
  });
});
