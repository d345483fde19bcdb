/** DescribeCluster: brokers, cluster id and controller (KIP-700). */
import { ErrorCode } from '../../protocol/error-codes.ts';
import { DescribeCluster } from '../../protocol/messages/describe-cluster.ts';
import { handler } from '../handler.ts';
import { attempt, Refusal } from '../refusal.ts';
import { spring } from '../request-context.ts';
import { authorizedOperations, NOT_ASKED } from './authorized-operations.ts';

const BROKERS = 1;

export const describeCluster = handler(DescribeCluster, ({ includeClusterAuthorizedOperations, endpointType }, context) => {
  const { cluster } = context;
  const refusal = attempt(() => {
    spring(context);
    if (endpointType !== BROKERS) throw new Refusal('MISMATCHED_ENDPOINT_TYPE', 'The request was sent to an endpoint of type BROKER');
  });
  if (refusal instanceof Refusal) return { errorCode: refusal.errorCode, errorMessage: refusal.errorMessage, clusterId: '', brokers: [] };
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    clusterId: cluster.clusterId,
    controllerId: cluster.controllerId,
    brokers: cluster.aliveBrokers.map(({ id, host, port, rack }) => ({ brokerId: id, host, port, rack })),
    clusterAuthorizedOperations: includeClusterAuthorizedOperations ? authorizedOperations(context, 'cluster') : NOT_ASKED,
  };
});
