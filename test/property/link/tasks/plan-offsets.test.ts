/** A group that lives on both clusters, a mirror that grows, a link that forgets: whatever happens, no consumer is sent where it must not be. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CarriedOver, planOffset } from '../../../../src/link/tasks/plan-offsets.ts';

interface Commit {
  readonly offset: bigint;
  readonly metadata: string;
  readonly leaderEpoch: number;
  readonly by: 'link' | 'consumer';
}

/** One partition as it really is, next to what the link remembers of it. */
class World {
  source: { readonly offset: bigint; readonly metadata: string } | null = null;
  start = 0n;
  end = 0n;
  destination: Commit | null = null;
  joined = false;
  now = 0;
  /** What the source said when the link last looked, if it remembers. */
  looked: bigint | null = null;
  /** The link knows that the last commit at the destination is its own: it remembers, or nobody else was ever there. */
  #knowsItsOwn = true;
  #last: CarriedOver | null = null;

  forget(): void {
    this.#last = null;
    this.looked = null;
    this.#knowsItsOwn = !this.joined;
  }

  /** One look of the link, held to the rules; true when it committed. */
  sync(): boolean {
    const { source, destination, now } = this;
    if (source === null) return false;
    const range = { start: this.start, end: this.end };
    const plan = planOffset({ source, destination, last: this.#last, range, isUntouched: !this.joined, now, refreshMs: REFRESH_MS });
    const [before, lookedAt] = [destination, this.looked];
    this.looked = source.offset;
    if (plan.action === 'keep') {
      const ours = plan.why === 'same' && plan.isOurs && destination !== null ? destination : null;
      this.#last = { sourceOffset: source.offset, ours, writtenAt: this.#last?.writtenAt ?? now };
      if (before === null || (before.by === 'link' && this.#knowsItsOwn))
        expect(before?.offset, 'what is ours is where the source is').toBe(this.#target());
      return false;
    }
    const { offset, metadata } = plan.position;
    expect(offset).toBeGreaterThanOrEqual(this.start);
    expect(offset).toBeLessThanOrEqual(this.end);
    expect(offset).toBe(this.#target());
    expect(metadata).toBe(source.metadata);
    expect(plan.isWaiting).toBe(source.offset > this.end);
    if (before?.by === 'consumer') {
      expect(offset, 'a consumer is never sent back').toBeGreaterThan(before.offset);
      expect(lookedAt === null || lookedAt !== source.offset, 'only a source that has moved passes a consumer').toBe(true);
    }
    this.destination = { offset, metadata, leaderEpoch: -1, by: 'link' };
    this.#knowsItsOwn = true;
    this.#last = { sourceOffset: source.offset, ours: plan.position, writtenAt: now };
    return true;
  }

  #target(): bigint {
    const offset = (this.source as { offset: bigint }).offset;
    return sorted(this.start, offset, this.end)[1] as bigint;
  }
}

const REFRESH_MS = 50;

/** In rising order; `Math.min` knows no bigint. */
const sorted = (...all: readonly bigint[]): readonly bigint[] => [...all].sort((a, b) => Number(a - b));

const HAPPENINGS = {
  sourceCommits: (world, { offset, metadata }) => {
    world.source = { offset, metadata };
  },
  mirrorGrows: (world, { offset }) => {
    world.end += offset;
  },
  mirrorIsCut: (world, { offset }) => {
    world.start = sorted(world.end, world.start + offset)[0] as bigint;
  },
  consumerCommits: (world, { offset, metadata, leaderEpoch }) => {
    world.joined = true;
    world.destination = { offset, metadata, leaderEpoch, by: 'consumer' };
  },
  commitExpires: (world) => {
    world.destination = null;
  },
  linkForgets: (world) => world.forget(),
  timePasses: (world, { offset }) => {
    world.now += Number(offset) * 3;
  },
  linkLooks: (world) => {
    world.sync();
  },
} satisfies Record<string, (world: World, given: Given) => void>;

interface Given {
  readonly offset: bigint;
  readonly metadata: string;
  readonly leaderEpoch: number;
}

const offsets = fc.bigInt({ min: 0n, max: 30n });
const steps = fc.array(
  fc.record({
    happens: fc.constantFrom(...(Object.keys(HAPPENINGS) as (keyof typeof HAPPENINGS)[])),
    given: fc.record({ offset: offsets, metadata: fc.constantFrom('', 'm', 'n'), leaderEpoch: fc.integer({ min: 0, max: 9 }) }),
  }),
  { maxLength: 40, size: 'max' },
);

const worldAfter = (list: readonly { readonly happens: keyof typeof HAPPENINGS; readonly given: Given }[]): World => {
  const world = new World();
  for (const { happens, given } of list) (HAPPENINGS[happens] as (world: World, given: Given) => void)(world, given);
  return world;
};

describe('a group on both clusters', () => {
  it('is never sent back, never beyond the mirror, and what is done is done once', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const world = worldAfter(list);
        world.sync();
        const after = world.destination;
        expect(world.sync(), 'a second look finds nothing to do').toBe(false);
        expect(world.destination).toBe(after);
      }),
      { numRuns: 2_000 },
    );
  });

  it('arrives where the source is, once the data is there and nobody interferes', () => {
    fc.assert(
      fc.property(steps, offsets, (list, last) => {
        const world = worldAfter(list);
        world.destination = null;
        world.source = { offset: last, metadata: 'last' };
        world.sync();
        world.end = 10_000n;
        world.sync();
        expect(world.destination).toMatchObject({ metadata: 'last', by: 'link' });
        expect((world.destination as unknown as Commit).offset).toBe(sorted(last, world.start)[1]);
      }),
      { numRuns: 1_000 },
    );
  });
});
