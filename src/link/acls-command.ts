/** The command that grants a right on a topic: what is missing is said so that it can be pasted. */
import { type Endpoint, endpointText } from '../client/transport.ts';

/** As `Read`, the way Kafka's tool spells operations. */
export type AclsOperation = 'Read' | 'Write' | 'Create' | 'Delete';

export const aclsCommand = (bootstrap: readonly Endpoint[], operation: AclsOperation, topic: string): string =>
  `kafka-acls --bootstrap-server ${bootstrap.map(endpointText).join(',')} --add --allow-principal 'User:<of the link>' --operation ${operation} --topic '${topic}'`;
