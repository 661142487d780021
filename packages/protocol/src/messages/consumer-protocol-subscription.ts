import { defineDataFormat } from '../schema/api.ts'
import { array, bytes, int32, string } from '../schema/field.ts'

/**
 * What a classic member tells its group's leader: `metadata` of JoinGroup. Encode it with `encodeData`.
 *
 * 1: partitions owned. 2: the generation they were owned in. 3: rack.
 */
export const ConsumerProtocolSubscription = defineDataFormat({
  name: 'ConsumerProtocolSubscription',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: Number.POSITIVE_INFINITY,
  fields: {
    topics: array(string()),
    userData: bytes({ nullable: true, default: null }),
    ownedPartitions: array(
      {
        topic: string(),
        partitions: array(int32())
      },
      { from: 1 }
    ),
    generationId: int32({ from: 2, default: -1 }),
    rackId: string({ from: 3, nullable: true, default: null })
  }
})
