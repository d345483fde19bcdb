/** Text with tones: what the demo draws, before it is known whether a terminal, a log or a picture will show it. */

/** What a piece of text means to the eye. Each output knows its own way to show it. */
export type Tone = 'plain' | 'dim' | 'strong' | 'accent' | 'good' | 'warm' | 'bad';

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[];

export const span = (text: string, tone: Tone = 'plain'): Span => ({ text, tone });

/** Columns that a line takes. The demo draws with characters of one column only. */
export const widthOf = (line: Line): number => line.reduce((sum, { text }) => sum + text.length, 0);

/** The beginning of a line that takes at most `width` columns. */
export const clip = (line: Line, width: number): Line => {
  let left = width;
  return line.map(({ text, tone }) => {
    const shown = text.slice(0, left);
    left -= shown.length;
    return { text: shown, tone };
  });
};

/** Cut off, or filled up with blanks, to exactly `width` columns. */
export const cell = (text: string, width: number, align: 'left' | 'right' = 'left'): string =>
  (align === 'left' ? text.padEnd(width) : text.padStart(width)).slice(0, width);

/** 1234567 as `1,234,567`. */
export const count = (n: number | bigint): string => n.toLocaleString('en-US');

/** Bytes as people say them, with one digit behind the point from megabytes on. */
export const size = (bytes: number | bigint): string => {
  const n = Number(bytes);
  if (n < 1_000) return `${n} B`;
  return n < 1_000_000 ? `${Math.round(n / 1_000)} kB` : `${(n / 1_000_000).toFixed(1)} MB`;
};
