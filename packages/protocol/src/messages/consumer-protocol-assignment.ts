import { defineDataFormat } from '../schema/api.ts'
import { array, bytes, int32, string } from '../schema/field.ts'

/**
 * What a classic group's leader tells a member: `assignment` of SyncGroup. Encode it with `encodeData`. All versions
 * have the same fields.
 */
export const ConsumerProtocolAssignment = defineDataFormat({
  name: 'ConsumerProtocolAssignment',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: Number.POSITIVE_INFINITY,
  fields: {
    assignedPartitions: array({
      topic: string(),
      partitions: array(int32())
    }),
    userData: bytes({ nullable: true, default: null })
  }
})
