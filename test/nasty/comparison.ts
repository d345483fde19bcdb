/** Compares partitions of two clusters as consumers see them: where they begin and end, and every record; and reports the first difference of each. */
import type { ClusterControl } from '../scenarios/environment.ts';
import { logExcerpt } from './log-excerpt.ts';
import type { Isolation, NastyJava, PartitionName, SeenRecord, ViewDifference, ViewSummary } from './nasty-java.ts';
import { type ReadRecord, readWithKafkaJs, readWithKcat } from './other-readers.ts';

/** A cluster that is read. */
export type Side = Pick<ClusterControl, 'bootstrap' | 'bench'>;

export interface Pair {
  readonly source: Side;
  readonly destination: Side;
}

const ISOLATIONS: readonly Isolation[] = ['read_committed', 'read_uncommitted'];
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
  /** Log cleaners have taken from both sides what they may. */
  readonly cleaned: boolean;
}

let views = 0;

/** What a read_committed consumer sees now, kept under the name that is returned. */
export const takeView = async (
  java: NastyJava,
  { bootstrap }: Side,
  partitions: readonly PartitionName[],
  isolation: Isolation = 'read_committed',
): Promise<{ readonly name: string; readonly logs: readonly ViewSummary[] }> => {
  const name = `view-${++views}`;
  return { name, logs: await java.view(name, { bootstrap, isolation, partitions }) };
};

/**
 * Whether log cleaners were at work while the mirror was made, each side's at its own time: on neither side; on both; or on both, and with
 * nothing written since the view of the source of that name was taken.
 */
export type Cleaning = 'none' | 'both' | { readonly since: string };

const expectationsOf = (now: string, cleaning: Cleaning): readonly Expectation[] => {
  const kinds = Object.keys(KINDS) as Kind[];
  if (typeof cleaning === 'string') return [{ view: now, kinds, cleaned: cleaning === 'both' }];
  return [
    { view: now, kinds, cleaned: true },
    { view: cleaning.since, kinds: ['extra', 'changed'], cleaned: false },
  ];
};

/**
 * The promise of a mirror with committed transactions: in both isolation levels it shows what a read_committed consumer sees at the source,
 * from the same start to the source's last stable offset. Resolves with one text for each partition and level where it does not.
 */
export const compareMirrors = async (
  java: NastyJava,
  { source, destination }: Pair,
  partitions: readonly PartitionName[],
  cleaning: Cleaning = 'none',
): Promise<readonly string[]> => {
  const now = await takeView(java, source, partitions);
  const expectations = expectationsOf(now.name, cleaning);
  const failures: string[] = [];
  for (const isolation of ISOLATIONS) {
    const mirror = await takeView(java, destination, partitions, isolation);
    const found = await Promise.all(expectations.map((expectation) => firstDifferences(java, expectation, mirror.name)));
    for (const [index, one] of partitions.entries()) {
      const [log, copy] = [now.logs[index]!, mirror.logs[index]!];
      const complaints = found.flatMap((differences) => differences.get(index) ?? []);
      if (log.start !== copy.start || log.end !== copy.end)
        complaints.push({ text: 'has other bounds', offset: Math.min(log.end, copy.end) });
      if (complaints.length === 0) continue;
      complaints.sort((a, b) => a.offset - b.offset);
      failures.push(await report(java, { source, destination }, one, isolation, { log, copy }, complaints));
    }
    await java.dropView(mirror.name);
  }
  await java.dropView(now.name);
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
): Promise<ReadonlyMap<number, readonly Complaint[]>> =>
  new Map(
    (await java.differences(view, actual, cleaned)).map((difference) => [
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
    await side('source', source, 'read_committed'),
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

/** The same of kcat and kafkajs, for these partitions. They have no view of log start and end, only of records. */
export const compareWithOthers = async (
  java: NastyJava,
  { source, destination }: Pair,
  partitions: readonly PartitionName[],
): Promise<readonly string[]> => {
  const expected = await Promise.all(partitions.map((one) => recordsOf(java, source, one)));
  const lasts = partitions.map((one, i) => ({ ...one, last: expected[i]!.at(-1)?.offset ?? -1 }));
  const byKafkaJs = await readWithKafkaJs(destination.bootstrap, lasts);
  const failures: string[] = [];
  for (const [i, one] of partitions.entries()) {
    const seen = { kcat: await readWithKcat(destination.bootstrap, one), kafkajs: byKafkaJs[i]! };
    for (const [client, records] of Object.entries(seen)) {
      const at = firstDifference(expected[i]!, records);
      if (at < 0) continue;
      const [due, found] = [expected[i]![at], records[at]].map((record) => JSON.stringify(record ?? null));
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
