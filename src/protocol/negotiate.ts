/** Which version of each API to speak with one broker, decided from its ApiVersions answer. */
import { Reader } from '../bytes/reader.ts';
import { LinkError } from '../errors.ts';
import { ErrorCode } from './error-codes.ts';
import { decodeResponse } from './frame.ts';
import { ApiVersions, type ApiVersionsResponse } from './messages/api-versions.ts';
import type { Api, VersionRange } from './schema.ts';

/** One row of a broker's ApiVersions answer. */
export type OfferedApi = Pick<ApiVersionsResponse['apiKeys'][number], 'apiKey' | 'minVersion' | 'maxVersion'>;

/** Highest version to speak, by API, where a caller wants less than both sides could. */
export type VersionCaps = ReadonlyMap<Api, number>;

/** The versions to speak with one broker. Good until the connection ends: the next one may reach a broker of another release. */
export interface NegotiatedVersions {
  /**
   * Highest version that both sides speak, within the caller's cap.
   *
   * @throws LinkError `KLINK_VERSION` naming the API and both ranges, when there is none.
   */
  versionOf(of: Api): number;
  /** Whether {@link versionOf} would find a version. */
  supports(of: Api): boolean;
}

/** Decides every version from what the broker offers; `caps` lowers our side of the bargain. */
export const negotiate = (offered: readonly OfferedApi[], caps: VersionCaps = new Map()): NegotiatedVersions => {
  const theirs = new Map(offered.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]));
  const highest = (of: Api): number | undefined => {
    const range = theirs.get(of.key);
    if (range === undefined) return undefined;
    const version = Math.min(of.versions.max, range.max, caps.get(of) ?? of.versions.max);
    return version >= Math.max(of.versions.min, range.min) ? version : undefined;
  };
  return {
    supports: (of) => highest(of) !== undefined,
    versionOf: (of) => highest(of) ?? refuse(of, theirs.get(of.key), caps.get(of)),
  };
};

const spell = ({ min, max }: VersionRange): string => (min === max ? `v${min}` : `v${min} to v${max}`);

const refuse = (of: Api, theirs: VersionRange | undefined, cap: number | undefined): never => {
  const offer = theirs === undefined ? 'the broker does not offer it' : `the broker speaks ${spell(theirs)}`;
  const ours = `kafka-link speaks ${spell(of.versions)}${cap === undefined ? '' : `, held to at most v${cap} here`}`;
  const advice = theirs !== undefined && theirs.min > of.versions.max ? 'upgrade kafka-link' : 'use a newer broker';
  throw new LinkError('KLINK_VERSION', `${of.name} (key ${of.key}): ${offer}, ${ours}; no version in common, ${advice}`);
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
