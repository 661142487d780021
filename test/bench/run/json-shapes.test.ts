import { StreamsBuilder } from '@millrace/streams'
import { expect, test } from 'vitest'
import { CoreTask } from '../core/core-task.ts'
import { openRawStore } from '../core/run-core.ts'
import type { CoreRecords } from '../core/core-records.ts'
import { Clicks } from '../data/clicks-input.ts'
import { CLICK_SHAPES, type ClickShape } from '../data/click-shapes.ts'
import { WORKLOADS } from '../workloads.ts'

const ROUNDS = 60
/** Of one round, after which the shapes change places. */
const RECORDS = 2000
const WARM_ROUNDS = 10

/** More CPU time than for fields as they are, at most. */
const ALLOWED = 1.1

/** Enough clicks for every round. */
function recordsOf(shape: ClickShape): CoreRecords {
  const count = ROUNDS * RECORDS
  const clicks = new Clicks(42)
  const [starts, valueStarts] = [new Int32Array(count + 1), new Int32Array(count)]
  const bytes = Buffer.alloc(count * 130)
  let end = 0
  for (let i = 0; i < count; i++) {
    clicks.next()
    starts[i] = end
    end += bytes.write(`u${clicks.user}`, end, 'latin1')
    valueStarts[i] = end
    end += bytes.write(shape.json(clicks), end, 'latin1')
  }
  starts[count] = end
  const timestampsMs = Float64Array.from({ length: count }, (_, i) => i)
  return { topics: ['in'], count, topicOf: new Uint8Array(count), timestampsMs, bytes, starts, valueStarts }
}

test('clicks of every shape have the same values and the same length', () => {
  const [plain, ...others] = CLICK_SHAPES
  const clicks = new Clicks(42)
  for (let i = 0; i < 1000; i++) {
    clicks.next()
    const json = plain?.json(clicks) as string
    const { user, page, ms, ts } = JSON.parse(json)
    for (const shape of others) {
      const other = shape.json(clicks)
      expect(JSON.parse(other)).toMatchObject({ user, page, ms, ts })
      expect(Math.abs(other.length - json.length)).toBeLessThan(3)
    }
  }
})

interface Side {
  readonly shape: ClickShape
  readonly task: CoreTask
  readonly dispose: () => Promise<void>
  leastMicros: number
}

async function openSide(shape: ClickShape): Promise<Side> {
  const builder = new StreamsBuilder()
  WORKLOADS['W1']?.build(builder, { input: 'in', output: 'out', table: '' }, () => {})
  const { raw, dispose } = await openRawStore('memory')
  const task = await CoreTask.open(builder.build(), recordsOf(shape), raw)
  return { shape, task, dispose, leastMicros: Number.POSITIVE_INFINITY }
}

test('the order and the number of JSON fields change the cost of a record by a tenth at most', async () => {
  const sides = await Promise.all(CLICK_SHAPES.map(openSide))
  const plain = sides[0] as Side
  const dearer = (): Side[] => sides.filter(({ leastMicros }) => leastMicros > ALLOWED * plain.leastMicros)
  // The least of several rounds: what else the machine does only adds to a round, so that more rounds come nearer to the truth.
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of sides) {
      const before = process.threadCpuUsage()
      side.task.processTo((round + 1) * RECORDS)
      const { user, system } = process.threadCpuUsage(before)
      if (round >= WARM_ROUNDS) side.leastMicros = Math.min(side.leastMicros, user + system)
      side.task.clearLogs()
    }
    if (round >= 2 * WARM_ROUNDS && dearer().length === 0) break
  }
  const costs = sides.map(({ shape, leastMicros }) => `${shape.name}: ${leastMicros / RECORDS} µs`)
  expect(dearer().length, costs.join('; ')).toBe(0)
  for (const { task, dispose } of sides) {
    await task.close()
    await dispose()
  }
}, 60_000)
