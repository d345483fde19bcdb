/** The error for bytes that do not mean what they should: where, in which field, and why. */
import { LinkError } from '../errors.ts';

/**
 * Bytes that cannot be decoded, or a value that cannot be encoded (code `KLINK_MALFORMED`, never retriable).
 * The path grows outwards while the error travels up through the structs it happened in.
 */
export class MalformedError extends LinkError {
  override readonly name = 'MalformedError';
  readonly reason: string;
  /** Byte offset in the frame at which the reader stood, or -1 when a value could not be written. */
  readonly offset: number;
  #path = '';
  #subject = '';

  constructor(reason: string, offset: number) {
    super('KLINK_MALFORMED', reason);
    this.reason = reason;
    this.offset = offset;
  }

  /** Path of the field, as in `responses[3].partitions[0].records`. */
  get path(): string {
    return this.#path;
  }

  /** Names the field (or `[index]`) that was being read when the error passed through. */
  within(step: string): this {
    this.#path = this.#path === '' || this.#path.startsWith('[') ? step + this.#path : `${step}.${this.#path}`;
    this.#describe();
    return this;
  }

  /** Names the message, as in `Fetch response v12`. */
  of(subject: string): this {
    this.#subject = subject;
    this.#describe();
    return this;
  }

  #describe(): void {
    const subject = this.#subject === '' ? '' : `${this.#subject}: `;
    const path = this.#path === '' ? '' : `${this.#path}: `;
    const offset = this.offset < 0 ? '' : ` at byte ${this.offset}`;
    this.message = `${subject}${path}${this.reason}${offset}`;
  }
}
