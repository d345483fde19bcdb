/** Prints what was measured as plain text. */
import type { Run } from './participants.ts';
import { QUESTIONS, verdict, type WorkloadResult } from './results.ts';

/** As many digits as can be read at a glance. */
export const number = (value: number): string => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

/** One line: the first cell to the left, the others to the right. */
export const columns = (cells: readonly string[], widths: readonly number[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');

const RUN_WIDTHS = [14, 9, 9, 11, 23, 10];

/** The head of the raw figures of one workload. */
export const runHeading = (): string => columns(['', 'seconds', 'MB/s', 'CPU s/GB', 'brokers CPU s/GB', 'peak MB'], RUN_WIDTHS);

/** One run on one line. */
export const runLine = ({
  participant,
  tasks,
  seconds,
  megabytesPerSecond,
  cpuSecondsPerGigabyte,
  brokerCpuSecondsPerGigabyte: brokers,
  peakMegabytes,
}: Run): string =>
  columns(
    [
      tasks === undefined ? participant : `${participant} ${tasks}`,
      number(seconds),
      number(megabytesPerSecond),
      number(cpuSecondsPerGigabyte),
      brokers === null ? '' : `${number(brokers.source)} + ${number(brokers.destination)}`,
      peakMegabytes === null ? '' : number(peakMegabytes),
    ],
    RUN_WIDTHS,
  );

const RATIO_WIDTHS = [60, 9, 15, 14];

/** Every question with the answer for each workload: median, spread over the rounds, and whether the target is reached. */
export const ratioTable = (results: readonly WorkloadResult[]): string =>
  QUESTIONS.map((question) => {
    const lines = results.flatMap((result) => {
      const found = result.ratios[question.key];
      if (found === undefined) return [];
      const spread = `${number(found.min)} … ${number(found.max)}`;
      return [columns([`  ${result.title}`, number(found.median), spread, verdict(question, result)], RATIO_WIDTHS)];
    });
    return [`\n${question.text}  (${question.ratio})`, ...lines].join('\n');
  }).join('\n');
