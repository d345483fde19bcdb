/** The requests of one connection, from call to answer: admitted in order within a bound of bytes, answered in order. No I/O and no timers. */

export interface Request {
  readonly correlationId: number;
  /** Bytes of the whole frame. */
  readonly size: number;
  /** By the connection's clock. */
  readonly deadline: number;
}

/**
 * First come, first sent: a small request never overtakes a large one that waits for room. A broker answers a connection's requests
 * in the order in which it got them, so the answer that comes is always that of the oldest one sent.
 */
export class RequestLine<T extends Request> {
  readonly #maxBytes: number;
  #waiting: T[] = [];
  #sent: T[] = [];
  #sentBytes = 0;

  /** Requests whose answers are outstanding take at most `maxBytes`; a larger one goes alone. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Requests without an answer, sent or not. */
  get length(): number {
    return this.#waiting.length + this.#sent.length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** The request whose answer comes next. */
  get oldestSent(): T | undefined {
    return this.#sent[0];
  }

  /** Infinite when there is none. */
  get nextDeadline(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#sent) if (deadline < next) next = deadline;
    for (const { deadline } of this.#waiting) if (deadline < next) next = deadline;
    return next;
  }

  join(request: T): void {
    this.#waiting.push(request);
  }

  /** The next request, if there is one and room for it. It counts as sent from now on. */
  admit(): T | undefined {
    const [first] = this.#waiting;
    if (first === undefined || (this.#sent.length > 0 && this.#sentBytes + first.size > this.#maxBytes)) return undefined;
    this.#waiting.shift();
    this.#sent.push(first);
    this.#sentBytes += first.size;
    return first;
  }

  /** Takes the oldest request sent out of the line, if the answer is meant for it; else leaves everything as it is. */
  answered(correlationId: number): T | undefined {
    const [oldest] = this.#sent;
    if (oldest === undefined || oldest.correlationId !== correlationId) return undefined;
    this.#sent.shift();
    this.#sentBytes -= oldest.size;
    return oldest;
  }

  /** Takes out a request that has not been sent. False when it has: its answer must still be waited for. */
  leave(request: T): boolean {
    const index = this.#waiting.indexOf(request);
    if (index >= 0) this.#waiting.splice(index, 1);
    return index >= 0;
  }

  /** A request that was sent and whose answer is late. */
  lateAnswer(now: number): T | undefined {
    return this.#sent.find(({ deadline }) => deadline <= now);
  }

  /** Takes out the requests whose time is over before they could be sent. */
  takeOverdue(now: number): T[] {
    const overdue = this.#waiting.filter(({ deadline }) => deadline <= now);
    if (overdue.length > 0) this.#waiting = this.#waiting.filter(({ deadline }) => deadline > now);
    return overdue;
  }

  /** Takes out everything, the oldest first. */
  clear(): T[] {
    const all = [...this.#sent, ...this.#waiting];
    this.#sent = [];
    this.#waiting = [];
    this.#sentBytes = 0;
    return all;
  }
}
