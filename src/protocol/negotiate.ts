/** Which version of each API to speak with one broker, decided from its ApiVersions answer. */
import { Reader } from '../bytes/reader.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from './error-codes.ts';
import { decodeResponse } from './frame.ts';
import { ApiVersions, type ApiVersionsResponse } from './messages/api-versions.ts';
import type { Api, VersionRange } from './schema.ts';

/** The versions to speak with one broker. Good until the connection ends: the next one may reach a broker of another release. */
export interface NegotiatedVersions {
  /**
   * Highest version that both sides speak, and at most `cap` (such as Produce 11, the last one without KIP-890 verification).
   *
   * @throws LinkError `KLINK_VERSION` naming the API and both ranges, when there is none.
   */
  of(api: Api, cap?: number): number;
  /** Whether {@link NegotiatedVersions.of} would find a version. */
  supports(api: Api, cap?: number): boolean;
}

/** Decides every version from a broker's ApiVersions answer. */
export const negotiate = ({ apiKeys }: Pick<ApiVersionsResponse, 'apiKeys'>): NegotiatedVersions => {
  const offered = new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]));
  const highest = (api: Api, cap = api.versions.max): number | undefined => {
    const theirs = offered.get(api.key);
    if (theirs === undefined) return undefined;
    const version = Math.min(api.versions.max, theirs.max, cap);
    return version >= Math.max(api.versions.min, theirs.min) ? version : undefined;
  };
  return {
    of: (api, cap) => highest(api, cap) ?? refuse(api, offered.get(api.key), cap),
    supports: (api, cap) => highest(api, cap) !== undefined,
  };
};

const spell = ({ min, max }: VersionRange): string => (min === max ? `v${min}` : `v${min} to v${max}`);

const refuse = (api: Api, theirs: VersionRange | undefined, cap: number | undefined): never => {
  const offer = theirs === undefined ? 'the broker does not offer it' : `the broker speaks ${spell(theirs)}`;
  const ours = `kafka-link speaks ${spell(api.versions)}${cap === undefined ? '' : `, held to at most v${cap} here`}`;
  const advice = theirs !== undefined && theirs.min > api.versions.max ? 'upgrade kafka-link' : 'use a newer broker';
  throw new LinkError('KLINK_VERSION', `${api.name} (key ${api.key}): ${offer}, ${ours}; no version in common, ${advice}`);
};

/**
 * Decodes an ApiVersions response frame (without its length bytes) to a request of `version`.
 *
 * A broker that does not know the version answers UNSUPPORTED_VERSION in the encoding of version 0, whatever was asked (KIP-511):
 * the error code, which stands first in every version, tells which of the two it is.
 *
 * @throws LinkError `KLINK_MALFORMED` when the frame is neither.
 */
export const decodeApiVersions = (version: number, frame: Buffer): ApiVersionsResponse => {
  const reader = new Reader(frame);
  reader.span(Math.min(4, reader.remaining)); // the correlation id; a frame this short is refused below, with its name
  const unsupported = reader.remaining >= 2 && reader.int16() === ErrorCode.UNSUPPORTED_VERSION;
  return decodeResponse(ApiVersions, unsupported ? 0 : version, frame);
};

/**
 * The version to ask again with, after an answer of UNSUPPORTED_VERSION: the highest that the answer says the broker knows, or 0 when
 * it does not say (brokers before 2.4 answer with an empty list). Undefined when the answer stands, or when there is nothing lower to try.
 */
export const apiVersionsRetry = (asked: number, { errorCode, apiKeys }: ApiVersionsResponse): number | undefined => {
  if (errorCode !== ErrorCode.UNSUPPORTED_VERSION) return undefined;
  const known = apiKeys.find(({ apiKey }) => apiKey === ApiVersions.key)?.maxVersion ?? 0;
  return known >= 0 && known < asked ? known : undefined;
};
