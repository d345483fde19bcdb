/** Measures small pieces of work within one process: interleaved rounds, medians, ratios. */
/** One measured row: median nanoseconds per piece of work, and as a multiple of its question's first row. */
export interface MicroFigure {
  readonly question: string;
  readonly workload: string;
  readonly subject: string;
  readonly nanoseconds: number;
  readonly ratio: number;
}

/** Something whose cost is asked for. */
export interface Subject {
  readonly name: string;
  /** Handles `batches` pieces of work: batches, or messages. */
  readonly run: () => void | Promise<void>;
  readonly batches: number;
}

/** Rounds are interleaved over the subjects, so that noise of the machine meets all of them; the first rounds warm up and are dropped. */
const WARM_UP_ROUNDS = 5;
const ROUNDS = 15;
const ROUND_NANOSECONDS = 4_000_000;

/** Measures the subjects in turn. The first is what the others are compared with. */
export const measure = async (question: string, workload: string, subjects: readonly Subject[]): Promise<MicroFigure[]> => {
  const samples = subjects.map((): number[] => []);
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    for (const [i, subject] of subjects.entries()) {
      const start = process.hrtime.bigint();
      let elapsed = 0;
      let runs = 0;
      for (; elapsed < ROUND_NANOSECONDS; runs++) {
        const pending = subject.run();
        if (pending !== undefined) await pending;
        elapsed = Number(process.hrtime.bigint() - start);
      }
      if (round >= WARM_UP_ROUNDS) samples[i]!.push(elapsed / runs / subject.batches);
    }
  }
  const medians = samples.map((values) => values.sort((a, b) => a - b)[ROUNDS >> 1]!);
  return subjects.map(({ name }, i) => ({ question, workload, subject: name, nanoseconds: medians[i]!, ratio: medians[i]! / medians[0]! }));
};

/** One line per figure, grouped by question. */
export const printFigures = (figures: readonly MicroFigure[]): void => {
  let heading = '';
  for (const { question, workload, subject, nanoseconds, ratio } of figures) {
    const next = `${question} ${workload}`;
    if (next !== heading) console.log(`\n${next}`);
    heading = next;
    console.log(`  ${subject.padEnd(44)} ${ratio.toFixed(1).padStart(9)} ×   ${(nanoseconds / 1000).toFixed(3).padStart(10)} µs`);
  }
};
