/** What it costs to bring a mirror's log to an offset without copying anything, by measured rates, and when that is refused. */

/** The cost of offsets that carry no record of the source. */
export interface FillEstimate {
  readonly offsets: number;
  /** Written by the leader, and again by each other replica. Of padding, the disk has them back once its segments are deleted. */
  readonly bytes: number;
  readonly seconds: number;
}

interface FillRate {
  readonly bytesPerOffset: number;
  readonly offsetsPerSecond: number;
}

/**
 * Measured on brokers of 3.9 to 4.4, with one core each.
 * - `padding`: batches of 100,000 null records under zstd, which lie below the log start when all is done.
 * - `markers`: control batches of one record, one per offset.
 */
const RATES = {
  padding: { bytesPerOffset: 0.6, offsetsPerSecond: 15_000_000 },
  markers: { bytesPerOffset: 78, offsetsPerSecond: 30_000 },
} as const satisfies Readonly<Record<string, FillRate>>;
export type FillMethod = keyof typeof RATES;

/** Half a gigabyte and a minute of a broker's core for a partition: more is done only for those who ask for it. */
export const DEFAULT_MAX_PADDING_OFFSETS = 1_000_000_000;

/** Pure. */
export const estimateFill = (method: FillMethod, offsets: number): FillEstimate => {
  const { bytesPerOffset, offsetsPerSecond } = RATES[method];
  return { offsets, bytes: offsets * bytesPerOffset, seconds: offsets / offsetsPerSecond };
};

/** As in `1000000000 offset(s), about 600 MB per replica, about 1.1 minutes`. */
export const describeFill = ({ offsets, bytes, seconds }: FillEstimate): string =>
  `${offsets} offset(s), ${bytesText(bytes)} per replica, ${durationText(seconds)}`;

/**
 * Why a log is not padded from offset `from` to its start `to`, or null when it may be. `setting` is the name under which the user knows `limit`.
 */
export const paddingRefusal = (
  label: string,
  { from, to, limit, setting }: { readonly from: number; readonly to: number; readonly limit: number; readonly setting: string },
): string | null => {
  const offsets = to - from;
  if (offsets <= limit) return null;
  return (
    `${label}: the log is to start at offset ${to}. Brokers know no other way there than writing up to it and deleting that again: ` +
    `${describeFill(estimateFill('padding', offsets))}. The limit is ${limit} offsets; raise ${setting} to have it done`
  );
};

const bytesText = (bytes: number): string => inLargestUnit(bytes, BYTE_UNITS);
const durationText = (seconds: number): string => inLargestUnit(seconds, TIME_UNITS);

type Units = readonly (readonly [size: number, name: string])[];
const BYTE_UNITS: Units = [
  [1e12, 'TB'],
  [1e9, 'GB'],
  [1e6, 'MB'],
  [1e3, 'kB'],
];
const TIME_UNITS: Units = [
  [86_400, 'days'],
  [3_600, 'hours'],
  [60, 'minutes'],
];

/** Two digits are as many as an estimate has. Whatever is below the smallest unit is called less than one of it. */
const inLargestUnit = (value: number, units: Units): string => {
  const [size, name] = units.find(([least]) => value >= least) ?? (units.at(-1) as Units[number]);
  const count = value / size;
  if (count < 1) return `less than 1 ${name.replace(/s$/, '')}`;
  return `about ${count < 10 ? Math.round(count * 10) / 10 : Math.round(count)} ${name}`;
};
