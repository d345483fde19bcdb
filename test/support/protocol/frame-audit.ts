/** Checks that a frame seen in a test decodes and, written again, is the same frame: every integration test becomes a conformance test. */
import { Reader } from '../../../src/bytes/reader.ts';
import { Writer } from '../../../src/bytes/writer.ts';
import { bodyCodec, decodeRequest, decodeRequestHeader, decodeResponse } from '../../../src/protocol/frame.ts';
import { apiByKey } from '../../../src/protocol/messages/index.ts';
import { isFlexible } from '../../../src/protocol/schema.ts';
import type { Side } from './sample-values.ts';

/** Thrown when a frame reads well but is written differently. */
export class FrameMismatch extends Error {
  override readonly name = 'FrameMismatch';
}

/**
 * Audits one frame, given without its length bytes. Unknown tags are kept, so they must come back too. Returns the decoded body.
 *
 * @throws Error when the API is not described, `MalformedError` when the frame cannot be read, {@link FrameMismatch} when it comes back different.
 */
export const auditFrame = (apiKey: number, version: number, side: Side, frame: Buffer): unknown => {
  const api = apiByKey(apiKey);
  if (api === undefined) throw new Error(`No API with key ${apiKey} is described`);
  if (side === 'request') {
    const header = decodeRequestHeader(frame);
    if (header.apiKey !== apiKey || header.apiVersion !== version) {
      throw new FrameMismatch(`the header says key ${header.apiKey} v${header.apiVersion}, not ${api.name} v${version}`);
    }
  }
  const body = side === 'request' ? decodeRequest(api, version, frame, 'keep') : decodeResponse(api, version, frame, 'keep');
  const writer = new Writer();
  bodyCodec(api, side, version, 'keep').encode(writer, body);
  const again = Buffer.concat(writer.finish());
  const from = bodyStart(apiKey, isFlexible(api, version), side, frame);
  const given = frame.subarray(from);
  if (!again.equals(given)) {
    const at = again.findIndex((byte, i) => byte !== given[i]);
    throw new FrameMismatch(
      `${api.name} ${side} v${version} comes back different from byte ${from + (at < 0 ? Math.min(again.length, given.length) : at)} on`,
    );
  }
  return body;
};

const API_VERSIONS_KEY = 18;

/** Where the body begins: read here once more, so that the frame code is not its own witness. */
const bodyStart = (apiKey: number, flexible: boolean, side: Side, frame: Buffer): number => {
  const reader = new Reader(frame);
  reader.span(side === 'request' ? 8 : 4);
  if (side === 'request') reader.nullableString();
  if (flexible && !(side === 'response' && apiKey === API_VERSIONS_KEY)) {
    for (let tags = reader.uvarint(); tags > 0; tags--) {
      reader.uvarint();
      reader.span(reader.uvarint());
    }
  }
  return reader.pos;
};
