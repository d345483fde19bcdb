/** The types that follow from the table of link configs: what a program may write for each, and what it gets. */
import { describe, expectTypeOf, it } from 'vitest';
import type { LinkSettings } from '../../src/link/config.ts';
import type { LinkConfigOptions, LinkConfigs } from '../../src/link/configs/link-configs.ts';
import type { AclFilter } from '../../src/link/filters/acl-filters.ts';
import type { NameFilter } from '../../src/link/filters/name-filters.ts';

describe('link configs', () => {
  it('have the types of their rows', () => {
    expectTypeOf<LinkConfigs['clusterLinkPaused']>().toEqualTypeOf<boolean>();
    expectTypeOf<LinkConfigs['aclSyncMs']>().toEqualTypeOf<number>();
    expectTypeOf<LinkConfigs['clusterLinkPrefix']>().toEqualTypeOf<string | null>();
    expectTypeOf<LinkConfigs['startOffset']>().toEqualTypeOf<string>();
    expectTypeOf<LinkConfigs['sourceTrimmed']>().toEqualTypeOf<'fill' | 'stop'>();
    expectTypeOf<LinkConfigs['fillPolicy']>().toEqualTypeOf<'markers' | 'ghosts' | 'records' | 'refuse' | null>();
    expectTypeOf<LinkConfigs['securityProtocol']>().toEqualTypeOf<'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'>();
    expectTypeOf<LinkConfigs['topicConfigSyncInclude']>().toEqualTypeOf<readonly string[]>();
    expectTypeOf<LinkConfigs['autoCreateMirrorTopicsFilters']>().toEqualTypeOf<readonly NameFilter[]>();
    expectTypeOf<LinkConfigs['aclFilters']>().toEqualTypeOf<readonly AclFilter[]>();
    expectTypeOf<LinkConfigs['saslJaasConfig']>().toEqualTypeOf<string | null>();
  });

  it('have those of the engine among them', () => {
    expectTypeOf<LinkConfigs>().toExtend<LinkSettings>();
  });

  it('may all be left out', () => {
    expectTypeOf<Record<never, never>>().toExtend<LinkConfigOptions>();
    expectTypeOf<Partial<LinkConfigs>>().toExtend<LinkConfigOptions>();
  });

  it('refuse what the table does not know', () => {
    ({ aclSyncMs: 5, clusterLinkPrefix: null, consumerOffsetGroupFilters: [] }) satisfies LinkConfigOptions;
    // @ts-expect-error no such option
    ({ aclSyncMz: 5 }) satisfies LinkConfigOptions;
    // @ts-expect-error milliseconds are numbers
    ({ aclSyncMs: '5' }) satisfies LinkConfigOptions;
    // @ts-expect-error no such word
    ({ sourceTrimmed: 'wait' }) satisfies LinkConfigOptions;
    // @ts-expect-error no such kind of pattern
    ({ consumerOffsetGroupFilters: [{ name: 'a', patternType: 'GLOB', filterType: 'INCLUDE' }] }) satisfies LinkConfigOptions;
  });
});
