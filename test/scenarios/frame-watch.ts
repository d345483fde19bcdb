/** Audits every frame that this process sends or receives while a test runs: what decodes must be written again as the same bytes. */
import type { FrameMessage } from '../../src/client/diagnostics.ts';
import { frameChannel } from '../../src/client/diagnostics.ts';
import { auditFrame } from '../support/protocol/frame-audit.ts';

export class FrameWatch {
  frames = 0;
  readonly complaints: string[] = [];

  start(): void {
    frameChannel.subscribe(this.#audit);
  }

  stop(): void {
    frameChannel.unsubscribe(this.#audit);
  }

  // At once: the link patches batches where they lie as soon as it has the answer.
  readonly #audit = (message: unknown): void => {
    const { apiKey, apiVersion, side, frame } = message as FrameMessage;
    this.frames++;
    try {
      auditFrame(apiKey, apiVersion, side, frame);
    } catch (error) {
      this.complaints.push(`${side} ${apiKey} v${apiVersion}: ${error instanceof Error ? error.message : error}`);
    }
  };
}
