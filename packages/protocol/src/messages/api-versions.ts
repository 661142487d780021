import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int64, string } from '../schema/field.ts'

/**
 * Asks which versions of which APIs a broker speaks.
 *
 * A broker that does not know the version answers in version 0 with UNSUPPORTED_VERSION. 3: flexible, with the client's
 * name; the *header* of the answer never is. 4: features of minimum version 0 are listed too.
 */
export const ApiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  request: {
    clientSoftwareName: string({ from: 3 }),
    clientSoftwareVersion: string({ from: 3 })
  },
  response: {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16()
    }),
    throttleTimeMs: int32({ from: 1 }),
    supportedFeatures: array(
      {
        name: string(),
        minVersion: int16(),
        maxVersion: int16()
      },
      { from: 3, tag: 0 }
    ),
    finalizedFeaturesEpoch: int64({ from: 3, tag: 1, default: -1 }),
    finalizedFeatures: array(
      {
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16()
      },
      { from: 3, tag: 2 }
    ),
    zkMigrationReady: bool({ from: 3, tag: 3, default: false })
  }
})
