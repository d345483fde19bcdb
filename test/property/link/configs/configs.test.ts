/** Configs under arbitrary values and changes: text and options agree, changes do what a plain map would, and secrets stay where they are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConfigRow, ConfigValue } from '../../../../src/link/configs/config-row.ts';
import {
  applyChanges,
  type ConfigChange,
  type ConfigSet,
  configTexts,
  readConfigOptions,
  readConfigTexts,
} from '../../../../src/link/configs/config-set.ts';
import { describeConfigs } from '../../../../src/link/configs/describe-configs.ts';
import {
  CONFIG_DEFAULTS,
  CONFIG_OPTIONS,
  type ConfigOption,
  type LinkConfigOptions,
  rowOf,
} from '../../../../src/link/configs/link-configs.ts';

const SECRET = 's3cret';
const name = fc.stringMatching(/^[a-z.]{1,8}$/);
const filters = fc.array(
  fc.record({
    name,
    patternType: fc.constantFrom('LITERAL', 'PREFIXED'),
    filterType: fc.constantFrom('INCLUDE', 'EXCLUDE'),
  }),
  { maxLength: 3 },
);
const aclFilters = fc.array(
  fc.record({
    resourceFilter: fc.record({ resourceType: fc.constantFrom('topic', 'group'), name, patternType: fc.constantFrom('literal', 'any') }),
    accessFilter: fc.record({ operation: fc.constantFrom('any', 'read'), permissionType: fc.constantFrom('any', 'deny') }),
  }),
  { maxLength: 2 },
);
/** Good texts of configs whose texts have rules of their own. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  clusterLinkPrefix: ['w.', 'x-1_'],
  startOffset: ['earliest', 'latest', '2026-01-01'],
  saslJaasConfig: [`a.B required password="${SECRET}";`],
  saslOauthbearerTokenEndpointUrl: ['https://a/b'],
  sslTruststoreCertificates: ['-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----'],
  sslKeystoreCertificateChain: ['-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----'],
  sslKeystoreKey: [`-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`],
};
const LISTS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  bootstrapServers: [[], ['a:1'], ['a:1', '[::1]:2']],
  tasksPaused: [[], ['AclSync']],
};

const anyValueOf = (option: ConfigOption): fc.Arbitrary<unknown> => {
  const row: ConfigRow = rowOf(option);
  const nullable = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => (row.default === null ? fc.option(values) : values);
  switch (row.type) {
    case 'boolean':
      return fc.boolean();
    case 'int':
    case 'long':
      return fc.integer({ min: row.min, max: Math.min(row.max, 2 ** 40) });
    case 'enum':
      return nullable(fc.constantFrom(...row.values));
    case 'string':
      return nullable(fc.constantFrom(...(TEXTS[option] ?? ['a path'])));
    case 'password':
      return nullable(fc.constantFrom(...(TEXTS[option] ?? [SECRET])));
    case 'list':
      return fc.constantFrom(...(LISTS[option] ?? [row.default]));
    case 'aclFilters':
      return aclFilters;
    default:
      return filters;
  }
};
const options = fc.record(Object.fromEntries(CONFIG_OPTIONS.map((option) => [option, anyValueOf(option)])), { requiredKeys: [] });
/** Options that break no rule about several of them. */
const goodOptions = options
  .map((some) => ({ ...some, saslMechanism: 'PLAIN' }))
  .map((some) => readConfigOptions(some as LinkConfigOptions))
  .filter(({ problems }) => problems.length === 0)
  .map(({ configs }) => configs);

describe('one table, two spellings', () => {
  it('options come back from their text, but for secrets', () => {
    fc.assert(
      fc.property(goodOptions, (configs) => {
        const again = readConfigTexts(configTexts(configs));
        expect(again.problems.filter((problem) => !problem.rule.includes('ssl.keystore'))).toEqual([]);
        const withoutSecrets = Object.entries(configs.given).filter(([option]) => rowOf(option as ConfigOption).type !== 'password');
        expect(again.configs.given).toEqual(Object.fromEntries(withoutSecrets));
      }),
    );
  });

  it('the listing tells the same, and no secret', () => {
    fc.assert(
      fc.property(goodOptions, (configs) => {
        const texts = configTexts(configs);
        for (const { name: key, value, is_default, is_sensitive } of describeConfigs(configs)) {
          if (!is_default && !is_sensitive) expect(value ?? '').toBe(texts[key]);
          expect(is_sensitive && value !== null).toBe(false);
        }
        expect(JSON.stringify([texts, describeConfigs(configs)])).not.toContain(SECRET);
      }),
    );
  });

  it('whatever is given is read or refused, without a secret in what is said', () => {
    const key = fc.oneof(fc.constantFrom(...CONFIG_OPTIONS.map((option) => rowOf(option).key)), fc.string());
    const option = fc.oneof(fc.constantFrom<string>(...CONFIG_OPTIONS), fc.string());
    const secret = fc.string({ minLength: 6, unit: 'grapheme' }).map((text) => `${SECRET}${text}`);
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.oneof(fc.string(), fc.json())),
        fc.dictionary(option, fc.anything()),
        secret,
        (texts, anyOptions, hidden) => {
          for (const { configs, problems } of [
            readConfigTexts({ ...texts, 'sasl.jaas.config': hidden }),
            readConfigOptions({ ...anyOptions, sslKeystoreKey: hidden } as LinkConfigOptions),
          ]) {
            for (const problem of problems) expect(problem.value).not.toContain(SECRET);
            expect(Object.keys(configs.values).sort()).toEqual([...CONFIG_OPTIONS].sort());
          }
        },
      ),
    );
  });
});

describe('changes', () => {
  const change = fc.constantFrom(...CONFIG_OPTIONS).chain((option) =>
    fc.oneof(
      fc.constant({ option, op: 'DELETE' as const, value: null }),
      anyValueOf(option).map((value) => ({ option, op: 'SET' as const, value })),
    ),
  );
  const asChange = ({ option, op, value }: { option: ConfigOption; op: 'SET' | 'DELETE'; value: unknown }): ConfigChange => {
    const { key } = rowOf(option);
    if (op === 'DELETE') return { op, name: key };
    // By the way through the other spelling: its text is what the product would send.
    const text =
      Array.isArray(value) && typeof value[0] === 'object'
        ? filterText(option, value)
        : Array.isArray(value)
          ? value.join()
          : `${value ?? ''}`;
    return { op, name: key, value: text };
  };
  const filterText = (option: ConfigOption, value: unknown): string => JSON.stringify({ [rowOf(option).type]: value });

  it('do what a plain map would, all or none', () => {
    fc.assert(
      fc.property(goodOptions, fc.array(change, { maxLength: 6 }), (current, wanted) => {
        const before = JSON.stringify(current);
        const { configs, changed, problems } = applyChanges(current, wanted.map(asChange));
        expect(JSON.stringify(current)).toBe(before);
        if (problems.length > 0) {
          expect([configs, changed]).toEqual([current, []]);
          return;
        }
        const model = new Map<string, unknown>(Object.entries(current.given));
        for (const { option, op, value } of wanted) {
          if (op === 'SET') model.set(option, value);
          else model.delete(option);
        }
        const expected = { ...CONFIG_DEFAULTS, ...Object.fromEntries(model) } as Readonly<Record<string, ConfigValue>>;
        expect(configs.values).toEqual(expected);
        const differing = CONFIG_OPTIONS.filter((option) => JSON.stringify(expected[option]) !== JSON.stringify(current.values[option]));
        expect(changed.map(({ name: key }) => key)).toEqual(differing.map((option) => rowOf(option).key));
        // What cannot change has not.
        expect(differing.filter((option) => !rowOf(option).dynamic)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('leave nothing that would be refused when it is read', () => {
    fc.assert(
      fc.property(goodOptions, fc.array(change, { maxLength: 6 }), (current, wanted) => {
        const { configs }: { configs: ConfigSet } = applyChanges(current, wanted.map(asChange));
        expect(readConfigOptions(configs.given)).toEqual({ configs, problems: [] });
      }),
    );
  });
});
