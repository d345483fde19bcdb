/** The name that was probably meant. Pure. */

/** Longer than any name that is known: what is longer was not mistyped, it is something else. */
const MAX_LENGTH = 100;

/** Letters to change, add or leave out to get from one to the other, neighbours swapped counting as one (optimal string alignment). */
const distance = (from: string, to: string): number => {
  let [before, last] = [[] as number[], Array.from({ length: to.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = (last[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swap = isSwap ? (before[j - 2] as number) + 1 : change;
      row.push(Math.min(change, swap, (last[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    [before, last] = [last, row];
  }
  return last[to.length] as number;
};

/** The candidate with the fewest differences; undefined if even that one is another word. Upper and lower case do not count. */
export const nearest = (name: string, candidates: readonly string[]): string | undefined => {
  if (name.length > MAX_LENGTH) return undefined;
  const [best] = candidates
    .map((candidate) => ({ candidate, differences: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.differences - b.differences);
  return best !== undefined && best.differences <= Math.max(2, best.candidate.length / 4) ? best.candidate : undefined;
};
