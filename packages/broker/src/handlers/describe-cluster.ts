import { DescribeCluster } from '@millrace/protocol'
import { CLUSTER_OPERATIONS } from '../authorized-operations.ts'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'

const BROKERS = 1
const CONTROLLERS = 2

/** Describes the one broker. Controllers are asked for on listeners of their own, which this broker lacks. */
export const describeCluster: Handler<typeof DescribeCluster> = {
  api: DescribeCluster,
  versions: [0, 2],
  handle({ endpointType, includeClusterAuthorizedOperations }, { broker }) {
    const { advertised, clusterId, nodeId } = broker
    if (endpointType !== BROKERS) {
      const known = endpointType === CONTROLLERS
      return {
        throttleTimeMs: 0,
        errorCode: known ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
        errorMessage: known
          ? 'The request was sent to an endpoint of the wrong type.'
          : `Unsupported endpoint type ${endpointType}`,
        clusterId: '',
        brokers: []
      }
    }
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      endpointType,
      clusterId,
      controllerId: nodeId,
      brokers: [{ brokerId: nodeId, host: advertised.host, port: advertised.port, rack: null, isFenced: false }],
      ...(includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: CLUSTER_OPERATIONS } : {})
    }
  }
}
