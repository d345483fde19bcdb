/** Writes lines to the terminal: in place while it is one, plainly below each other when the output is a log. */
import { clip, type Line, type Tone } from './spans.ts';

/** Colours of the terminal's own palette, which its theme has made readable on its background. */
const SGR: Readonly<Record<Tone, string>> = { plain: '', dim: '2', strong: '1', accent: '36', good: '32', warm: '33', bad: '31' };
const ESC = '\u001b[';
const DEFAULT_COLUMNS = 100;
const DEFAULT_ROWS = 24;

export class Terminal {
  readonly #out: NodeJS.WriteStream;
  readonly #colour: boolean;
  /** Lines of the picture that is being redrawn. */
  #height = 0;

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
    const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
    this.#colour = (NO_COLOR ?? '') === '' && (out.isTTY || (FORCE_COLOR ?? '') !== '') && TERM !== 'dumb';
  }

  /** Whether a picture can be redrawn in place. */
  get isLive(): boolean {
    return this.#out.isTTY && process.env['TERM'] !== 'dumb';
  }

  get columns(): number {
    return this.#out.columns ?? DEFAULT_COLUMNS;
  }

  /** Replaces the picture drawn before. What is larger than the window is cut off: it could not be redrawn. */
  draw(lines: readonly Line[]): void {
    const shown = lines.slice(0, (this.#out.rows ?? DEFAULT_ROWS) - 1).map((line) => clip(line, this.columns - 1));
    const home = this.#height > 0 ? `${ESC}${this.#height}A\r` : `${ESC}?25l`;
    this.#out.write(`${home}${ESC}J${shown.map((line) => `${this.#text(line)}\n`).join('')}`);
    this.#height = shown.length;
  }

  /** Leaves the picture where it is, and goes on below it. */
  settle(): void {
    if (this.#height > 0) this.#out.write(`${ESC}?25h`);
    this.#height = 0;
  }

  print(lines: readonly Line[]): void {
    this.#out.write(lines.map((line) => `${this.#text(line)}\n`).join(''));
  }

  #text(line: Line): string {
    return line.map(({ text, tone }) => (this.#colour && SGR[tone] !== '' ? `${ESC}${SGR[tone]}m${text}${ESC}0m` : text)).join('');
  }
}
