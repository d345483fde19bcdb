/** Diagnostics channels of the client room; published to only when somebody listens. */
import diagnostics from 'node:diagnostics_channel';

/** One frame on a connection, in either direction, without its length bytes. The bytes belong to the connection: do not change or keep them. */
export interface FrameMessage {
  readonly host: string;
  readonly port: number;
  readonly side: 'request' | 'response';
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly frame: Buffer;
}

/** `kafka-link:client:frame` carries a {@link FrameMessage} for every frame sent and received. */
export const frameChannel = diagnostics.channel('kafka-link:client:frame');

export interface ConnectionMessage {
  readonly host: string;
  readonly port: number;
  /** Why it was closed; null for an orderly close and when it opens. */
  readonly error: Error | null;
}
/** `kafka-link:client:connected` and `kafka-link:client:disconnected` carry a {@link ConnectionMessage}. */
export const connectedChannel = diagnostics.channel('kafka-link:client:connected');
export const disconnectedChannel = diagnostics.channel('kafka-link:client:disconnected');
