/** Keeps the audience informed: the live picture ten times a second on a terminal, a line every second in a log. */
import type { ClusterLink } from 'kafka-link';
import { type Note, noteLine, picture, statusLine, type View } from './picture.ts';
import type { Line, Tone } from './spans.ts';
import type { Terminal } from './terminal.ts';
import { TOPICS } from './workload.ts';

const FRAME_MS = 100;
const LOG_LINE_MS = 1_000;
/** Rates are averages over this time. */
const RATE_WINDOW_MS = 1_500;

interface Sample {
  readonly atMs: number;
  readonly bytes: ReadonlyMap<string, bigint>;
}

export class Show {
  readonly #terminal: Terminal;
  readonly #begun = performance.now();
  readonly #notes: Note[] = [];
  #samples: Sample[] = [];
  #subject: { readonly link: ClusterLink; readonly source: string; readonly destination: string } | null = null;
  #timer: NodeJS.Timeout | null = null;
  sourceAlive = true;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get elapsedMs(): number {
    return performance.now() - this.#begun;
  }

  /** Says what happens now. */
  note(text: string, tone: Tone = 'plain'): void {
    const note = { atMs: this.elapsedMs, text, tone };
    this.#notes.push(note);
    if (!this.#terminal.isLive || this.#subject === null) this.#terminal.print([noteLine(note)]);
  }

  /** From now on the link is shown. */
  follow(link: ClusterLink, source: string, destination: string): void {
    this.#notes.length = 0;
    this.#subject = { link, source, destination };
    this.#timer = setInterval(() => this.#tick(), this.#terminal.isLive ? FRAME_MS : LOG_LINE_MS);
  }

  /** The last picture stays; what follows is printed below it. */
  end(): void {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
      this.#tick();
    }
    this.#terminal.settle();
  }

  /** What is on show at this moment, for a window of so many columns. */
  frame(columns: number): readonly Line[] {
    const view = this.#view();
    return view === null ? [] : picture(view, TOPICS, columns);
  }

  #tick(): void {
    const view = this.#view();
    if (view === null) return;
    if (this.#terminal.isLive) this.#terminal.draw(picture(view, TOPICS, this.#terminal.columns));
    else this.#terminal.print([statusLine(view)]);
  }

  #view(): View | null {
    if (this.#subject === null) return null;
    const { link, source, destination } = this.#subject;
    const mirrors = link.mirrors();
    const { elapsedMs } = this;
    const bytes = new Map(mirrors.map((mirror) => [mirror.topic, mirror.bytes]));
    this.#samples = [...this.#samples.filter(({ atMs }) => elapsedMs - atMs <= RATE_WINDOW_MS), { atMs: elapsedMs, bytes }];
    const [first] = this.#samples as [Sample, ...Sample[]];
    const rate = (topic: string): number =>
      elapsedMs - first.atMs < FRAME_MS / 2
        ? 0
        : (Number((bytes.get(topic) ?? 0n) - (first.bytes.get(topic) ?? 0n)) * 1_000) / (elapsedMs - first.atMs);
    return {
      elapsedMs,
      source,
      destination,
      sourceAlive: this.sourceAlive,
      mirrors,
      metrics: link.metrics(),
      rates: new Map(mirrors.map(({ topic }) => [topic, rate(topic)])),
      notes: this.#notes,
    };
  }
}
