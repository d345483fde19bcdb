/** Compares partitions of two clusters as consumers see them: where they begin and end, and every record; and reports the first difference of each. */
import type { ClusterControl } from '../scenarios/environment.ts';
import { logExcerpt } from './log-excerpt.ts';
import type { Cleaned, Isolation, NastyJava, PartitionName, SeenRecord, ViewDifference, ViewPair, ViewSummary } from './nasty-java.ts';
import { type ReadRecord, readWithKafkaJs, readWithKcat } from './other-readers.ts';

/** A cluster that is read. */
export type Side = Pick<ClusterControl, 'bootstrap' | 'bench'>;

export interface Pair {
  readonly source: Side;
  readonly destination: Side;
}

export const ISOLATIONS: readonly Isolation[] = ['read_committed', 'read_uncommitted'];
const SHOWN_FIELD = 160;

/** How views may differ, and what that says of the mirror. */
const KINDS = {
  missing: 'has no record at',
  extra: 'has a record of its own at',
  changed: 'has another record at',
} as const satisfies Partial<Record<keyof ViewDifference, string>>;
type Kind = keyof typeof KINDS;

/** What of the differences from one view of the source counts. */
interface Expectation {
  readonly view: string;
  readonly kinds: readonly Kind[];
  readonly cleaned: Cleaned | null;
}

let views = 0;

/** What a consumer sees now, kept under the name that is returned. */
export const takeView = async (
  java: NastyJava,
  { bootstrap }: Side,
  partitions: readonly PartitionName[],
  isolation: Isolation,
): Promise<{ readonly name: string; readonly logs: readonly ViewSummary[] }> => {
  const name = `view-${++views}`;
  return { name, logs: await java.view(name, { bootstrap, isolation, partitions }) };
};

/**
 * Whether log cleaners were at work while the mirror was made, each side's at its own time: none; or they took records; or tombstones too, so
 * soon that a mirror may not have got them in time and keeps what they deleted. With a view of the source of `since` then, nothing was written
 * after it was taken.
 */
export type Cleaning = 'none' | Cleaned | { readonly since: Readonly<Record<Isolation, string>> };

const expectationsOf = (now: string, isolation: Isolation, cleaning: Cleaning): readonly Expectation[] => {
  if (cleaning === 'none') return [{ view: now, kinds: ['missing', 'extra', 'changed'], cleaned: null }];
  if (cleaning === 'records') return [{ view: now, kinds: ['missing', 'extra', 'changed'], cleaned: 'records' }];
  const lasting: Expectation = { view: now, kinds: ['missing', 'changed'], cleaned: 'tombstones' };
  return cleaning === 'tombstones' ? [lasting] : [lasting, { view: cleaning.since[isolation], kinds: ['extra', 'changed'], cleaned: null }];
};

/** What a mirror has of transactions, as the link's config of that name says. */
export type Transactions = 'committed' | 'exact';

/** Which consumer of the source sees what this one must see of a mirror. */
export const sourceIsolation = (transactions: Transactions, isolation: Isolation): Isolation =>
  transactions === 'exact' ? isolation : 'read_committed';

export interface Comparison {
  /** Default `none`. */
  readonly cleaning?: Cleaning;
  /** Default `committed`. */
  readonly transactions?: Transactions | undefined;
}

/**
 * The promise of a mirror with committed transactions: in both isolation levels it shows what a read_committed consumer sees at the source,
 * from the same start to the source's last stable offset. With exact ones: what a consumer of the same level sees there. Resolves with one
 * text for each partition and level where it does not.
 */
export const compareMirrors = async (
  java: NastyJava,
  { source, destination }: Pair,
  partitions: readonly PartitionName[],
  { cleaning = 'none', transactions = 'committed' }: Comparison = {},
): Promise<readonly string[]> => {
  const failures: string[] = [];
  const pairs: ViewPair[] = [];
  for (const isolation of ISOLATIONS) {
    const now = await takeView(java, source, partitions, sourceIsolation(transactions, isolation));
    const mirror = await takeView(java, destination, partitions, isolation);
    const expectations = expectationsOf(now.name, isolation, cleaning);
    // That of the committed records, by which the second pass knows the aborted ones.
    const committed = transactions === 'exact' ? (pairs[0] ?? null) : null;
    pairs.push({ expected: now.name, actual: mirror.name });
    const found = await Promise.all(expectations.map((expectation) => firstDifferences(java, expectation, mirror.name, committed)));
    for (const [index, one] of partitions.entries()) {
      const [log, copy] = [now.logs[index]!, mirror.logs[index]!];
      const complaints = found.flatMap((differences) => differences.get(index) ?? []);
      if (log.start !== copy.start || log.end !== copy.end)
        complaints.push({ text: 'has other bounds', offset: Math.min(log.end, copy.end) });
      if (complaints.length === 0) continue;
      complaints.sort((a, b) => a.offset - b.offset);
      failures.push(await report(java, { source, destination }, one, isolation, { log, copy }, complaints));
    }
  }
  for (const { expected, actual } of pairs) for (const name of [expected, actual]) await java.dropView(name);
  return failures;
};

interface Complaint {
  readonly text: string;
  readonly offset: number;
}

const firstDifferences = async (
  java: NastyJava,
  { view, kinds, cleaned }: Expectation,
  actual: string,
  committed: ViewPair | null,
): Promise<ReadonlyMap<number, readonly Complaint[]>> =>
  new Map(
    (await java.differences(view, actual, cleaned, committed)).map((difference) => [
      difference.index,
      kinds
        .filter((kind) => difference[kind] >= 0)
        .map((kind) => ({ text: `${KINDS[kind]} ${difference[kind]}`, offset: difference[kind] })),
    ]),
  );

const report = async (
  java: NastyJava,
  { source, destination }: Pair,
  one: PartitionName,
  isolation: Isolation,
  { log, copy }: { readonly log: ViewSummary; readonly copy: ViewSummary },
  complaints: readonly Complaint[],
): Promise<string> => {
  const { offset } = complaints[0]!;
  const bounds = ({ start, end, count }: ViewSummary): string => `${start}..${end} with ${count} records`;
  const side = async (name: string, { bootstrap, bench }: Side, level: Isolation): Promise<string> =>
    `  ${name} from ${offset}: ${show(await java.recordAt(bootstrap, level, one, offset))}\n${await logExcerpt(bench, one, offset)}`;
  return [
    `${one.topic}-${one.partition} ${isolation}: source ${bounds(log)}, mirror ${bounds(copy)}`,
    `  the mirror ${complaints.map(({ text }) => text).join(', ')}`,
    await side('source', source, isolation),
    await side('mirror', destination, isolation),
  ].join('\n');
};

const show = (record: SeenRecord | null): string => {
  if (record === null) return 'nothing';
  const text = JSON.stringify(record, (_, value: unknown) =>
    typeof value === 'string' && value.length > SHOWN_FIELD ? `${value.slice(0, SHOWN_FIELD)}… (${value.length})` : value,
  );
  return text;
};

const OTHER_READERS = { kcat: readWithKcat, kafkajs: readWithKafkaJs } as const;

/**
 * The same of kcat and kafkajs, for these partitions. They have no view of log start and end, only of records. A client that does not see what
 * Java sees is held to what it sees itself at the source: kafkajs begins to leave out aborted transactions in the order of their ends, one per
 * record, so that of two that interleave it shows some records.
 */
export const compareWithOthers = async (
  java: NastyJava,
  { source, destination }: Pair,
  partitions: readonly PartitionName[],
): Promise<readonly string[]> => {
  const expected = await Promise.all(partitions.map((one) => recordsOf(java, source, one)));
  const lasts = partitions.map((one, i) => ({ ...one, last: expected[i]!.at(-1)?.offset ?? -1 }));
  const failures: string[] = [];
  for (const [client, read] of Object.entries(OTHER_READERS)) {
    const seen = await read(destination.bootstrap, lasts);
    const differences = expected.map((records, i) => firstDifference(records, seen[i]!));
    const seenAtSource = differences.some((at) => at >= 0) ? await read(source.bootstrap, lasts) : expected;
    for (const [i, one] of partitions.entries()) {
      const at = differences[i]!;
      if (at < 0 || firstDifference(seenAtSource[i]!, seen[i]!) < 0) continue;
      const [due, found] = [expected[i]![at], seen[i]![at]].map((record) => JSON.stringify(record ?? null));
      failures.push(
        `${one.topic}-${one.partition}: ${client} reads ${found} where ${due} is due\n${await logExcerpt(destination.bench, one, expected[i]![at]?.offset ?? 0)}`,
      );
    }
  }
  return failures;
};

const recordsOf = async (java: NastyJava, { bootstrap }: Side, { topic, partition }: PartitionName): Promise<readonly ReadRecord[]> =>
  (await java.consume(bootstrap, topic, 'read_committed'))
    .filter((record) => record.partition === partition)
    .map(({ offset, timestamp, key, value }) => ({ offset, timestamp, key, value }));

const firstDifference = (expected: readonly ReadRecord[], found: readonly ReadRecord[]): number => {
  for (let i = 0; i < Math.max(expected.length, found.length); i++) {
    const [due, seen] = [expected[i], found[i]];
    if (due === undefined || seen === undefined) return i;
    if (due.offset !== seen.offset || due.timestamp !== seen.timestamp || due.key !== seen.key || due.value !== seen.value) return i;
  }
  return -1;
};
