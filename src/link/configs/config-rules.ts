/** Rules about several configs at once, as data. Pure. */
import { canSelect } from '../filters/name-filters.ts';
import type { ConfigOption, LinkConfigs } from './link-configs.ts';

export interface ConfigRule {
  /** What the rule is about; the first is the one that is named when it is broken. */
  readonly options: readonly [ConfigOption, ...ConfigOption[]];
  readonly isBroken: (configs: LinkConfigs) => boolean;
  /** As a clause; `name` spells options as the caller does. */
  readonly rule: (name: (option: ConfigOption) => string) => string;
}

const usesSasl = ({ securityProtocol }: LinkConfigs): boolean => securityProtocol.startsWith('SASL_');

export const CONFIG_RULES: readonly ConfigRule[] = [
  {
    options: ['autoCreateMirrorTopicsFilters', 'autoCreateMirrorTopicsEnable'],
    isBroken: ({ autoCreateMirrorTopicsEnable, autoCreateMirrorTopicsFilters }) =>
      autoCreateMirrorTopicsEnable && !canSelect(autoCreateMirrorTopicsFilters),
    rule: (name) => `with ${name('autoCreateMirrorTopicsEnable')} it must include something, or no topic is ever mirrored`,
  },
  {
    options: ['consumerOffsetGroupFilters', 'consumerOffsetSyncEnable'],
    isBroken: ({ consumerOffsetSyncEnable, consumerOffsetGroupFilters }) =>
      consumerOffsetSyncEnable && !canSelect(consumerOffsetGroupFilters),
    rule: (name) => `with ${name('consumerOffsetSyncEnable')} it must include something, or no group is ever synced`,
  },
  {
    options: ['aclFilters', 'aclSyncEnable'],
    isBroken: ({ aclSyncEnable, aclFilters }) => aclSyncEnable && aclFilters.length === 0,
    rule: (name) => `with ${name('aclSyncEnable')} it must have a filter, or no ACL is ever synced`,
  },
  {
    options: ['aclSyncEnable', 'clusterLinkPrefix'],
    isBroken: ({ aclSyncEnable, clusterLinkPrefix }) => aclSyncEnable && clusterLinkPrefix !== null,
    rule: (name) => `it cannot be together with ${name('clusterLinkPrefix')}: ACLs name topics without the prefix`,
  },
  {
    options: ['consumerGroupPrefixEnable', 'clusterLinkPrefix'],
    isBroken: ({ consumerGroupPrefixEnable, clusterLinkPrefix }) => consumerGroupPrefixEnable && clusterLinkPrefix === null,
    rule: (name) => `it needs ${name('clusterLinkPrefix')}, which is what groups get before their names`,
  },
  {
    options: ['saslMechanism', 'securityProtocol'],
    isBroken: (configs) => usesSasl(configs) && configs.saslMechanism === null,
    rule: (name) => `${name('securityProtocol')} needs one`,
  },
  {
    options: ['sslTruststoreCertificates', 'sslTruststoreLocation'],
    isBroken: ({ sslTruststoreCertificates, sslTruststoreLocation }) =>
      sslTruststoreCertificates !== null && sslTruststoreLocation !== null,
    rule: (name) => `it cannot be together with ${name('sslTruststoreLocation')}: certificates come from one of them`,
  },
  {
    options: ['sslKeystoreCertificateChain', 'sslKeystoreLocation'],
    isBroken: ({ sslKeystoreCertificateChain, sslKeystoreLocation }) =>
      sslKeystoreCertificateChain !== null && sslKeystoreLocation !== null,
    rule: (name) => `it cannot be together with ${name('sslKeystoreLocation')}: key and certificates come from one of them`,
  },
  {
    options: ['sslKeystoreKey', 'sslKeystoreCertificateChain'],
    isBroken: ({ sslKeystoreKey, sslKeystoreCertificateChain }) => sslKeystoreKey === null && sslKeystoreCertificateChain !== null,
    rule: (name) => `the certificates of ${name('sslKeystoreCertificateChain')} need it`,
  },
  {
    options: ['sslKeystoreCertificateChain', 'sslKeystoreKey'],
    isBroken: ({ sslKeystoreKey, sslKeystoreCertificateChain }) => sslKeystoreKey !== null && sslKeystoreCertificateChain === null,
    rule: (name) => `the key of ${name('sslKeystoreKey')} needs it`,
  },
];
