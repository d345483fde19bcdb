/** The configs of a mirror topic: what exactness needs is always there, limits are at least the source's, and drift is what would break it. */
import { describe, expect, it } from 'vitest';
import { configDrift, mirrorTopicConfigs, REQUIRED_TOPIC_CONFIGS } from '../../../src/link/topic-configs.ts';

const LONG_MAX = String(2n ** 63n - 1n);
const configs = (given: Readonly<Record<string, string | null>>): ReadonlyMap<string, string | null> => new Map(Object.entries(given));

describe('mirrorTopicConfigs', () => {
  it('has what keeps batches as they are sent, where they are sent, for ever', () => {
    expect(mirrorTopicConfigs(new Map())).toMatchObject({
      'compression.type': 'producer',
      'cleanup.policy': 'delete',
      'message.timestamp.type': 'CreateTime',
      'message.timestamp.before.max.ms': LONG_MAX,
      'message.timestamp.after.max.ms': LONG_MAX,
      'retention.ms': '-1',
      'retention.bytes': '-1',
    });
  });

  it.each([
    ['a small limit, below what may be stored from before', '1000', 10 * 1_048_588],
    ['the default', '1048588', 10 * 1_048_588],
    ['a large limit', '52428800', 52_428_800],
    ['no answer', null, 10 * 1_048_588],
  ])('takes batches as large as the source may hold: %s', (_, limit, least) => {
    const mirror = mirrorTopicConfigs(configs({ 'max.message.bytes': limit }));
    expect(Number(mirror['max.message.bytes'])).toBeGreaterThanOrEqual(least);
    expect(Number(mirror['max.message.bytes'])).toBeLessThanOrEqual(2 ** 31 - 1);
  });

  it('never makes segments that a batch does not fit into', () => {
    for (const segment of ['1048576', '104857600', '1073741824']) {
      const mirror = mirrorTopicConfigs(configs({ 'segment.bytes': segment, 'max.message.bytes': '20971520' }));
      const segmentBytes = Number(mirror['segment.bytes'] ?? 2 ** 30);
      expect(segmentBytes).toBeGreaterThan(Number(mirror['max.message.bytes']));
    }
  });

  it('sets nothing that a user could set beside it', () => {
    const all = Object.keys(mirrorTopicConfigs(configs({ 'segment.bytes': '1073741824' })));
    expect(all.filter((key) => !REQUIRED_TOPIC_CONFIGS.has(key))).toEqual([]);
  });
});

describe('configDrift', () => {
  const needed = mirrorTopicConfigs(new Map());

  it('finds what was changed, and nothing else', () => {
    const present = configs({ ...needed, 'compression.type': 'lz4', 'cleanup.policy': 'compact,delete', 'min.insync.replicas': '2' });
    expect(configDrift(present, needed)).toEqual([
      ['compression.type', 'producer'],
      ['cleanup.policy', 'delete'],
    ]);
  });

  it('lets larger limits be and raises smaller ones', () => {
    const limit = Number(needed['max.message.bytes']);
    expect(configDrift(configs({ ...needed, 'max.message.bytes': String(limit + 1) }), needed)).toEqual([]);
    expect(configDrift(configs({ ...needed, 'max.message.bytes': String(limit - 1) }), needed)).toEqual([
      ['max.message.bytes', String(limit)],
    ]);
  });

  it('does not speak of configs that the destination does not know', () => {
    expect(configDrift(new Map(), needed)).toEqual([]);
  });
});
