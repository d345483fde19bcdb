/**
 * Compares mirrors with their sources: `npx tsx scripts/verify.ts --source a:9092 --destination b:9092 --topic orders`. The report goes to the standard
 * output, progress to the other one. Exit code 0: identical; 1: different; 2: not everything could be compared; 130: interrupted, with how to go on.
 */
import { LinkError, renderVerifyReport, type VerifyProgress, verifyMirror, verifyReportToJson } from 'kafka-link';
import { parseArguments, USAGE, UsageError, type VerifyArguments } from './verify/arguments.ts';

const EXIT = { identical: 0, different: 1, unfinished: 2, interrupted: 130 } as const;

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
process.once('SIGTERM', () => interrupted.abort(new Error('interrupted')));

const progressLine = ({ topic, partition, position, to, bytes, differences }: VerifyProgress): string =>
  `${topic}-${partition}: at ${position} of ${to}, ${(bytes / 1e6).toFixed(1)} MB read${differences > 0 ? `, ${differences} differences` : ''}`;

const run = async ({ options, json, quiet }: VerifyArguments): Promise<number> => {
  const reached = new Map<string, VerifyProgress>();
  const onProgress = (progress: VerifyProgress): void => {
    reached.set(`${progress.topic}:${progress.partition}`, progress);
    if (!quiet) process.stderr.write(`${progressLine(progress)}\n`);
  };
  try {
    const report = await verifyMirror({ ...options, onProgress }, { signal: interrupted.signal });
    process.stdout.write(`${json ? JSON.stringify(verifyReportToJson(report), null, 2) : renderVerifyReport(report)}\n`);
    if (report.identical) return EXIT.identical;
    return report.partitions.some(({ verdict }) => verdict === 'different') ? EXIT.different : EXIT.unfinished;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    const positions = [...reached].map(([place, { position }]) => `--from ${place}:${position}`);
    process.stderr.write(`interrupted; to go on: ${positions.join(' ')}\n`);
    return EXIT.interrupted;
  }
};

const main = async (): Promise<number> => {
  try {
    return await run(parseArguments(process.argv.slice(2)));
  } catch (error) {
    const isUsage = error instanceof UsageError;
    const text = isUsage ? `${error.message}\n\n${USAGE}` : LinkError.is(error) ? `${error.code}: ${error.message}` : String(error);
    process.stderr.write(`${text}\n`);
    return EXIT.unfinished;
  }
};

process.exitCode = await main();
