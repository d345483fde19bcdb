/** The command line of `scripts/verify.ts`: from words to options, with every mistake said in a sentence. */
import { parseArgs } from 'node:util';
import type { VerifyOptions, VerifyPosition, VerifyTopic } from 'kafka-link';

export const USAGE = `npx tsx scripts/verify.ts --source HOST:PORT[,…] --destination HOST:PORT[,…] --topic NAME [more]

  --topic NAME             a mirror topic; again for more; SOURCE=MIRROR where the names differ
  --from [TOPIC:]P:OFFSET  begin partition P there; again for more. TOPIC is needed when there are several
  --to [TOPIC:]P:OFFSET    end partition P there
  --mode MODE              exact (default), or latest-per-key for topics that are compacted on both sides
  --rate SIZE              at most so much a second from both sides together, as in 50MB
  --parallel COUNT         partitions at a time (4)
  --differences COUNT      how many to show of a partition (10)
  --bytes COUNT            bytes of keys and values to show (16); 0 for none
  --max-keys COUNT         with latest-per-key: keys of a partition to remember (5000000)
  --allow-filler           visible records that fill holes are no difference
  --allow-lower-start      a mirror that starts before its source is no difference
  --json                   the report as JSON
  --quiet                  no progress

It exits with 0 when everything is identical, with 1 when something differs, with 2 when something could not be compared.`;

/** What was asked for. */
export interface VerifyArguments {
  readonly options: VerifyOptions;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** A mistake in the words; its message is for the user. */
export class UsageError extends Error {}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9, KI: 2 ** 10, MI: 2 ** 20, GI: 2 ** 30 };

/** Bytes, as in `500`, `50MB`, `1.5GiB`; powers of ten, and of two with an i. */
export const parseSize = (text: string): number => {
  const { number = '', unit = '' } = /^(?<number>\d+(?:\.\d+)?)\s*(?<unit>[KMG]I?)?B?$/i.exec(text.trim())?.groups ?? {};
  if (number === '') throw new UsageError(`'${text}' is no size; write it as in 50MB`);
  return Number(number) * UNITS[(unit ?? '').toUpperCase()]!;
};

/** `P:OFFSET`, or `TOPIC:P:OFFSET`. */
const parsePosition = (text: string, topics: readonly VerifyTopic[]): VerifyPosition => {
  const { topic, partition, offset } = /^(?:(?<topic>[^:]+):)?(?<partition>\d+):(?<offset>\d+)$/.exec(text)?.groups ?? {};
  if (partition === undefined || offset === undefined) throw new UsageError(`'${text}' is no position; write PARTITION:OFFSET`);
  const [only] = topics;
  if (topic === undefined && (only === undefined || topics.length > 1))
    throw new UsageError(`'${text}' does not say of which topic; write TOPIC:PARTITION:OFFSET`);
  return { topic: topic ?? only!.topic, partition: Number(partition), offset: BigInt(offset) };
};

const parseTopic = (text: string): VerifyTopic => {
  const [sourceTopic = '', topic = sourceTopic] = text.split('=');
  return { topic, sourceTopic };
};

const parseCount = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new UsageError(`--${name} is '${text}'; it must be a whole number`);
  return Number(text);
};

/** Throws {@link UsageError}. */
export const parseArguments = (words: readonly string[]): VerifyArguments => {
  const flags = parseFlags(words);
  const { source, destination, rate, mode } = flags;
  if (source === undefined || destination === undefined || flags.topic === undefined)
    throw new UsageError('--source, --destination and --topic are needed');
  if (mode !== undefined && mode !== 'exact' && mode !== 'latest-per-key')
    throw new UsageError(`--mode is '${mode}'; it must be exact or latest-per-key`);
  const topics = flags.topic.map(parseTopic);
  const positions = (texts: readonly string[] = []): VerifyPosition[] => texts.map((text) => parsePosition(text, topics));
  const given = {
    mode,
    bytesPerSecond: rate === undefined ? undefined : parseSize(rate),
    partitionsAtOnce: parseCount('parallel', flags.parallel),
    maxDifferences: parseCount('differences', flags.differences),
    excerptBytes: parseCount('bytes', flags.bytes),
    maxKeys: parseCount('max-keys', flags['max-keys']),
  };
  const choices = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    options: {
      source: { bootstrap: source.split(',') },
      destination: { bootstrap: destination.split(',') },
      topics,
      from: positions(flags.from),
      to: positions(flags.to),
      allowFillerRecords: flags['allow-filler'] === true,
      allowLowerLogStart: flags['allow-lower-start'] === true,
      ...choices,
    },
    json: flags.json === true,
    quiet: flags.quiet === true,
  };
};

const parseFlags = (words: readonly string[]) => {
  try {
    return parseArgs({
      args: [...words],
      options: {
        source: { type: 'string' },
        destination: { type: 'string' },
        topic: { type: 'string', multiple: true },
        from: { type: 'string', multiple: true },
        to: { type: 'string', multiple: true },
        mode: { type: 'string' },
        rate: { type: 'string' },
        parallel: { type: 'string' },
        differences: { type: 'string' },
        bytes: { type: 'string' },
        'max-keys': { type: 'string' },
        'allow-filler': { type: 'boolean' },
        'allow-lower-start': { type: 'boolean' },
        json: { type: 'boolean' },
        quiet: { type: 'boolean' },
      },
    }).values;
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
};
