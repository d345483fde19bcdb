/** Configs that say how the source cluster is spoken to securely, as data. */
import type { ConfigRow } from './config-row.ts';

/** `module control-flag key="value" …;`, as in Kafka: quoted values may hold anything. */
const JAAS =
  /^\s*[\w.$]+\s+(?:required|requisite|sufficient|optional)(?:\s+[\w.-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"';]+))*\s*;\s*$/i;

const anything = (): null => null;
const pem =
  (what: string) =>
  (value: string): string | null =>
    new RegExp(`-----BEGIN ${what}-----[^]+?-----END ${what}-----`).test(value)
      ? null
      : 'it must be PEM, with its BEGIN and END lines; a file goes into the config that ends in .location';
const isWebAddress = (value: string): boolean => /^https?:\/\/[^\s/]+/.test(value) && URL.canParse(value);

const FILE = { type: 'string', default: null, check: anything, rule: 'a path', dynamic: true } as const;
const SECRET = { type: 'password', default: null, check: anything, rule: 'a secret', dynamic: true } as const;
const STORE_TYPES = { type: 'enum', default: 'PEM', values: ['PEM', 'PKCS12'], dynamic: true } as const;
const CERTIFICATE = { type: 'string', default: null, check: pem('CERTIFICATE'), rule: 'PEM', dynamic: true } as const;

export const SECURITY_CONFIGS = {
  securityProtocol: {
    key: 'security.protocol',
    type: 'enum',
    default: 'PLAINTEXT',
    values: ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    dynamic: true,
    meaning: 'Whether connections are encrypted, and whether the link says who it is.',
  },
  saslMechanism: {
    key: 'sasl.mechanism',
    type: 'enum',
    default: null,
    values: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'],
    dynamic: true,
    meaning: 'How the link says who it is. Needed with `SASL_PLAINTEXT` and `SASL_SSL`. There is no Kerberos (`GSSAPI`).',
  },
  saslJaasConfig: {
    ...SECRET,
    key: 'sasl.jaas.config',
    check: (value: string) =>
      JAAS.test(value) ? null : 'it must be a JAAS line: module, required, options such as username="…", and a semicolon',
    rule: 'a JAAS line',
    meaning: 'Name and password, or the credentials for a token, in the form that Kafka has for them. The module is not looked at.',
  },
  saslOauthbearerTokenEndpointUrl: {
    key: 'sasl.oauthbearer.token.endpoint.url',
    type: 'string',
    default: null,
    check: (value) => (isWebAddress(value) ? null : 'it must be an address that begins with https:// or http://'),
    rule: 'an address',
    dynamic: true,
    meaning: 'Where tokens are asked for with `OAUTHBEARER`.',
  },
  sslTruststoreLocation: { ...FILE, key: 'ssl.truststore.location', meaning: 'File with the certificates that are trusted.' },
  sslTruststoreType: {
    ...STORE_TYPES,
    key: 'ssl.truststore.type',
    meaning: 'Its kind. There is no `JKS`: keytool converts it to `PKCS12`.',
  },
  sslTruststorePassword: { ...SECRET, key: 'ssl.truststore.password', meaning: 'Password of that file.' },
  sslTruststoreCertificates: {
    ...CERTIFICATE,
    key: 'ssl.truststore.certificates',
    meaning: 'The certificates themselves, instead of a file.',
  },
  sslKeystoreLocation: { ...FILE, key: 'ssl.keystore.location', meaning: "File with the link's own key and certificates." },
  sslKeystoreType: { ...STORE_TYPES, key: 'ssl.keystore.type', meaning: 'Its kind, as above.' },
  sslKeystorePassword: { ...SECRET, key: 'ssl.keystore.password', meaning: 'Password of that file.' },
  sslKeystoreKey: {
    ...SECRET,
    key: 'ssl.keystore.key',
    check: pem('(?:[A-Z]+ )*PRIVATE KEY'),
    rule: 'PEM',
    meaning: 'The key itself, instead of a file.',
  },
  sslKeystoreCertificateChain: {
    ...CERTIFICATE,
    key: 'ssl.keystore.certificate.chain',
    meaning: 'The certificates that belong to that key.',
  },
  sslKeyPassword: { ...SECRET, key: 'ssl.key.password', meaning: 'Password of the key.' },
  sslEndpointIdentificationAlgorithm: {
    key: 'ssl.endpoint.identification.algorithm',
    type: 'enum',
    default: 'https',
    values: ['https', ''],
    dynamic: true,
    meaning: "Whether a broker's certificate must name the host that was connected to. Empty: no.",
  },
} as const satisfies Readonly<Record<string, ConfigRow>>;
