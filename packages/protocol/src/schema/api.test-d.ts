import { expectTypeOf, it } from 'vitest'
import type { Fetch, Heartbeat, InitProducerId, Metadata, OffsetFetch } from '../messages/index.ts'
import type { DecodedRequestOf, RequestOf, ResponseInputOf, ResponseOf } from './api.ts'

it('what encoding takes may leave out fields with a default, or that some versions lack', () => {
  expectTypeOf<{ groupId: string; generationId: number; memberId: string }>().toExtend<RequestOf<typeof Heartbeat>>()
  expectTypeOf<{ groupId: string; generationId: number }>().not.toExtend<RequestOf<typeof Heartbeat>>()
  expectTypeOf<RequestOf<typeof Heartbeat>['groupInstanceId']>().toEqualTypeOf<string | null | undefined>()
  expectTypeOf<RequestOf<typeof Metadata>['topics']>().toExtend<readonly object[] | null>()
  expectTypeOf<null>().toExtend<RequestOf<typeof OffsetFetch>['topics']>()
})

it('what decoding yields has every field', () => {
  expectTypeOf<ResponseOf<typeof Heartbeat>>().toEqualTypeOf<{ throttleTimeMs: number; errorCode: number }>()
  expectTypeOf<DecodedRequestOf<typeof Heartbeat>['groupInstanceId']>().toEqualTypeOf<string | null>()
  expectTypeOf<ResponseOf<typeof InitProducerId>['producerId']>().toEqualTypeOf<bigint>()
  type Partition = ResponseOf<typeof Fetch>['responses'][number]['partitions'][number]
  expectTypeOf<Partition['records']>().toEqualTypeOf<Buffer | null>()
  expectTypeOf<Partition['abortedTransactions']>().toEqualTypeOf<{ producerId: bigint; firstOffset: number }[] | null>()
})

it('what was decoded can be encoded again', () => {
  expectTypeOf<DecodedRequestOf<typeof Fetch>>().toExtend<RequestOf<typeof Fetch>>()
  expectTypeOf<ResponseOf<typeof Fetch>>().toExtend<ResponseInputOf<typeof Fetch>>()
})
