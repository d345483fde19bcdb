/** The error for bytes that do not mean what they should: where, in which field, and why. */
import { LinkError } from '../errors.ts';

const located = (reason: string, offset: number): string => (offset < 0 ? reason : `${reason} at byte ${offset}`);

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
    super('KLINK_MALFORMED', located(reason, offset));
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
    this.message = `${subject}${path}${located(this.reason, this.offset)}`;
  }
}
