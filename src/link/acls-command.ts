/** The commands that grant rights: what is missing is said so that it can be pasted. */
import { type Endpoint, endpointText } from '../client/transport.ts';

/** As `Read`, the way Kafka's tool spells operations. */
export type AclsOperation = 'Read' | 'Write' | 'Create' | 'Delete' | 'Alter';

/** Where the broker that refuses is not known by its address, the command is for whoever knows it. */
const command = (bootstrap: readonly Endpoint[], operation: AclsOperation, resource: string): string => {
  const addresses = bootstrap.length === 0 ? '<destination>' : bootstrap.map(endpointText).join(',');
  return `kafka-acls --bootstrap-server ${addresses} --add --allow-principal 'User:<of the link>' --operation ${operation} ${resource}`;
};

export const aclsCommand = (bootstrap: readonly Endpoint[], operation: AclsOperation, topic: string): string =>
  command(bootstrap, operation, `--topic '${topic}'`);

/** How to give a link the right to write markers. */
export const MARKER_RIGHT_ADVICE = `Grant the link ALTER on the destination cluster (${command([], 'Alter', '--cluster')}), or choose another fill policy`;

/** How to give a link the right to write batches of transactions. */
export const transactionalRightAdvice = (transactionalId: string): string =>
  `Grant the link WRITE on the transactional id (${command([], 'Write', `--transactional-id '${transactionalId}'`)}), or mirror with transactions: 'committed'`;
