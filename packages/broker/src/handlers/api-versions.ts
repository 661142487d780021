import { ApiVersions, Produce } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'

const CLIENT_SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/**
 * Tells what is served, and that transactions of version 2 (KIP-890) are. Not supported: the newer group protocols and
 * share groups, so the features of their names are missing.
 *
 * Produce is told from version 0 on, although only 3 and above are served: so does Kafka 4, because librdkafka takes a
 * broker without the old versions for one that knows no compression (KAFKA-18659).
 */
export const apiVersions: Handler<typeof ApiVersions> = {
  api: ApiVersions,
  versions: [0, 4],
  handle({ clientSoftwareName, clientSoftwareVersion }, { version, broker }) {
    if (version >= 3 && !(CLIENT_SOFTWARE.test(clientSoftwareName) && CLIENT_SOFTWARE.test(clientSoftwareVersion))) {
      return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
    }
    return {
      errorCode: ErrorCode.NONE,
      apiKeys: broker.servedApis.map(served => (served.apiKey === Produce.key ? { ...served, minVersion: 0 } : served)),
      supportedFeatures: [{ name: 'transaction.version', minVersion: 0, maxVersion: 2 }],
      finalizedFeaturesEpoch: 1,
      finalizedFeatures: [{ name: 'transaction.version', minVersionLevel: 2, maxVersionLevel: 2 }]
    }
  }
}
