import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import { hopping, session, sliding, tumbling, unlimited } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { pipe, read, run, TEXT } from '../test-support/run-topology.ts'
import { windowLists, windowText } from '../test-support/windowed-lists.ts'

const onClose = 'onWindowClose'

test('emits a window once, when stream time reaches its end and grace, late records included', async () => {
  const records = ['a=1@1', 'b=2@2', 'a=3@12', 'a=4@9', 'b=5@14', 'a=6@15', 'a=7@8']
  expect(await run(windowLists(tumbling(10, { grace: 5 }), onClose), records)).toEqual([
    'a:0-10=[1,4]@9',
    'b:0-10=[2]@2'
  ])
})

test('emits windows of all keys in order of start and key', async () => {
  const records = ['b=1@12', 'a=2@12', 'a=3@3', 'c=4@30', 'c=5@35', 'c=6@40']
  expect(await run(windowLists(hopping(10, { advance: 5, grace: 20 }), onClose), records)).toEqual([
    'a:0-10=[3]@3',
    'a:5-15=[2]@12',
    'b:5-15=[1]@12',
    'a:10-20=[2]@12',
    'b:10-20=[1]@12'
  ])
})

test('loses windows that one jump of stream time leaves behind by more than the retention', async () => {
  expect(await run(windowLists(tumbling(10), onClose), ['a=1@1', 'a=2@1000', 'a=3@1010'])).toEqual([
    'a:1000-1010=[2]@1000'
  ])
})

test('a sliding window, whose end is inclusive, closes one millisecond later', async () => {
  expect(await run(windowLists(sliding(10), onClose), ['a=1@20', 'b=1@20'])).toEqual([])
  expect(await run(windowLists(sliding(10), onClose), ['a=1@20', 'b=1@21'])).toEqual(['a:10-20=[1]@20'])
})

test('sessions are emitted in order of end, start and key, without deletions', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .groupByKey()
        .windowedBy(session(5))
        .emitStrategy(onClose)
        .count()
        .toStream(windowText)
        .to('out', TEXT),
    ['b=1@1', 'a=1@3', 'b=1@3', 'c=1@3', 'a=1@1000']
  )
  expect(outputs).toEqual(['b:1-3=2@3', 'a:3-3=1@3', 'c:3-3=1@3'])
})

test('a session that ends with its time bucket, just when the retention does, is still there after a commit', async () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in', TEXT)
    .groupByKey()
    .windowedBy(session(1_000))
    .emitStrategy(onClose)
    .count()
    .toStream(windowText)
    .to('out', TEXT)
  await using driver = await TopologyTestDriver.open(builder.build())
  // Buckets are a minute long, or longer with the retention.
  pipe(driver, 'a=1@59999')
  pipe(driver, 'b=1@60999')
  await driver.commit()
  expect(read(driver)).toEqual([])
  pipe(driver, 'b=1@61000')
  expect(read(driver)).toEqual(['a:59999-59999=1@59999'])
})

test('refuses unlimited windows, which never close, and what is no strategy', () => {
  const grouped = new StreamsBuilder().stream('in', TEXT).groupByKey()
  expect(() => grouped.windowedBy(unlimited()).emitStrategy(onClose)).toThrow(/unlimited windows never close/)
  expect(() => grouped.windowedBy(tumbling(5)).emitStrategy('onClose' as never)).toThrow(
    /takes 'onWindowUpdate' or 'onWindowClose', not "onClose"/
  )
})

test('leaves the windows it was called on as they were', async () => {
  const outputs = await run(
    builder => {
      const windowed = builder.stream('in', TEXT).groupByKey().windowedBy(tumbling(10))
      windowed.emitStrategy(onClose)
      windowed.count().toStream(windowText).to('out', TEXT)
    },
    ['a=1@1']
  )
  expect(outputs).toEqual(['a:0-10=1@1'])
})
