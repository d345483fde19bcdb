/** The golden frames: what Kafka's own classes wrote for one minimal and one full value of every message in every version. */
import { readFileSync } from 'node:fs';
import type { Api } from '../../../src/protocol/schema.ts';
import type { Case, Sample } from '../../support/protocol/sample-values.ts';

/** Header values of every golden frame. */
export const GOLDEN_HEADER: Readonly<Record<Sample, { correlationId: number; clientId: string | null }>> = {
  minimal: { correlationId: 0, clientId: null },
  full: { correlationId: 0x0102_0304, clientId: 'golden-é' },
};

/** Key of a frame in its file, as in `v12 request full`. */
export const goldenKey = ({ version, side }: Case, sample: Sample): string => `v${version} ${side} ${sample}`;

/** One file per API, named like the API's message file. */
export const goldenFile = ({ name }: Api): URL =>
  new URL(`./frames/${name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}.json`, import.meta.url);

/** Frames of one API by their keys, as hex without the length bytes. */
export const readGoldenFrames = (api: Api): ReadonlyMap<string, string> =>
  new Map(Object.entries(JSON.parse(readFileSync(goldenFile(api), 'utf8')) as Record<string, string>));
