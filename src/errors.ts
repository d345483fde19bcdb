/** The one error base of the package and its closed list of codes. Imported by every room, imports none. */

/** Every code an error of this package can carry; docs/errors.md explains each one. */
export const LINK_ERROR_CODES = [
  'KLINK_CONFIG',
  'KLINK_CLOSED',
  'KLINK_TIMEOUT',
  'KLINK_ABORTED',
  'KLINK_CONNECT',
  'KLINK_AUTH',
  'KLINK_BROKER',
  'KLINK_VERSION',
  'KLINK_MALFORMED',
  'KLINK_CORRUPT_BATCH',
  'KLINK_UNKNOWN_MIRROR',
  'KLINK_STATE',
  'KLINK_STORE',
  'KLINK_UNSUPPORTED_LOG',
  'KLINK_SOURCE_CHANGED',
  'KLINK_DIVERGED',
  'KLINK_LAG',
  'KLINK_LOSS',
  'KLINK_INTERNAL',
] as const;
export type LinkErrorCode = (typeof LINK_ERROR_CODES)[number];

const brand = Symbol.for('kafka-link.error');

export interface LinkErrorOptions {
  readonly cause?: unknown;
  /** True when the same call, unchanged, may succeed later. */
  readonly retriable?: boolean;
}

/** Every error this package throws or reports. Recognise it with {@link LinkError.is}, tell kinds apart by {@link LinkError.code}. */
export class LinkError extends Error {
  override readonly name: string = 'LinkError';
  readonly code: LinkErrorCode;
  /** True when the same call, unchanged, may succeed later. */
  readonly retriable: boolean;

  constructor(code: LinkErrorCode, message: string, options: LinkErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retriable = options.retriable ?? false;
  }

  /** The error itself when it is one of ours; anything else is a defect of this package and becomes `KLINK_INTERNAL`. */
  static from(error: unknown): LinkError {
    if (LinkError.is(error)) return error;
    return new LinkError(
      'KLINK_INTERNAL',
      `Unexpected failure, please report it: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }

  get [brand](): true {
    return true;
  }

  /** Works across duplicated copies of the package, unlike `instanceof`. */
  static is(error: unknown, code?: LinkErrorCode): error is LinkError {
    return error instanceof Error && brand in error && (code === undefined || (error as LinkError).code === code);
  }
}
