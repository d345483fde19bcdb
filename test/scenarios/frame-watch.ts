/** Audits every frame that this process sends or receives while a test runs: what decodes must be written again as the same bytes. */
import type { FrameMessage } from '../../src/client/diagnostics.ts';
import { frameChannel } from '../../src/client/diagnostics.ts';
import { ErrorCode } from '../../src/protocol/error-codes.ts';
import { ApiVersions } from '../../src/protocol/messages/api-versions.ts';
import { auditFrame } from '../support/protocol/frame-audit.ts';

export class FrameWatch {
  frames = 0;
  readonly #complaints = new Set<string>();

  get complaints(): readonly string[] {
    return [...this.#complaints];
  }

  start(): void {
    frameChannel.subscribe(this.#audit);
  }

  stop(): void {
    frameChannel.unsubscribe(this.#audit);
  }

  // At once: the link patches batches where they lie as soon as it has the answer.
  readonly #audit = (message: unknown): void => {
    const { apiKey, side, frame } = message as FrameMessage;
    const apiVersion = writtenVersion(message as FrameMessage);
    this.frames++;
    try {
      auditFrame(apiKey, apiVersion, side, frame);
    } catch (error) {
      this.#complaints.add(`${side} ${apiKey} v${apiVersion}: ${error instanceof Error ? error.message : error}`);
    }
  };
}

const ERROR_CODE_AT = 4;

/** A broker that does not know the version of an ApiVersions request says so in version 0, which every client can read (KIP-511). */
const writtenVersion = ({ apiKey, apiVersion, side, frame }: FrameMessage): number =>
  apiKey === ApiVersions.key && side === 'response' && frame.readInt16BE(ERROR_CODE_AT) === ErrorCode.UNSUPPORTED_VERSION ? 0 : apiVersion;
