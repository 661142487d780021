import { expect, test } from 'vitest'
import type { ProcessorContext, StreamRecord } from '../../core/index.ts'
import { NO_HEADERS } from '../../core/index.ts'
import { RepartitionFilter } from './repartition-filter.ts'

test('counts the records without a key that it drops', () => {
  const forwarded: unknown[] = []
  const dropped: unknown[] = []
  const context = {
    forward: (record: StreamRecord<unknown, unknown>) => forwarded.push(record.key),
    drop: (reason: string) => dropped.push(reason)
  } as unknown as ProcessorContext<unknown, unknown>
  const filter = new RepartitionFilter<unknown, unknown>(true)
  filter.init(context)
  for (const key of ['a', null]) filter.process({ key, value: 1, timestampMs: 0, headers: NO_HEADERS })
  expect([forwarded, dropped]).toEqual([['a'], ['null-key']])
})
