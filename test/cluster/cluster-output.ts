import type { KafkaClient } from '@millrace/streams/ports'
import { type ReadRecord, readTopic } from '../chaos/read-topic.ts'
import type { ClusterAppOptions, ClusterCount } from './cluster-app-options.ts'

export interface ClusterOutput {
  readonly violations: readonly string[]
  readonly inputs: number
  readonly outputs: number
  /** The longest time in which no partition's output, or one partition's, grew by anything that was committed. */
  readonly longestGapMs: number
  /** Where it began. */
  readonly longestGapFrom: Date
}

/** Compares what was committed with what was sent, record by record. */
export async function checkOutput(
  client: KafkaClient,
  { topics, windowMs, config }: ClusterAppOptions,
  sent: ReadonlyMap<string, number>,
  from: number,
  to: number
): Promise<ClusterOutput> {
  const violations: string[] = []
  const inputs = await readTopic(client, topics.input, 'read_committed')
  const byKey = new Map<string, string[]>()
  const byWindow = new Map<string, number>()
  for (const { key, value, timestampMs } of inputs) {
    append(byKey, key, value.toString())
    const window = `${key}@${timestampMs - (timestampMs % windowMs)}`
    byWindow.set(window, (byWindow.get(window) ?? 0) + 1)
  }
  for (const [key, count] of sent) {
    const wrong = firstWrong(byKey.get(key) ?? [], count, String)
    if (wrong !== undefined) violations.push(`the source's ${wrong} of '${key}'`)
  }

  const exactly = config.processingGuarantee === 'exactly_once'
  const check = (what: string, outputs: ReadonlyMap<string, number[]>, expected: ReadonlyMap<string, number>): void => {
    for (const [name, total] of expected) {
      const found = outputs.get(name) ?? []
      const counts = exactly ? found : [...new Set(found)].sort((a, b) => a - b).slice(0, total)
      const wrong = firstWrong(counts, total, index => index + 1)
      if (wrong !== undefined) violations.push(`${what}: ${wrong} of '${name}'`)
    }
    for (const name of outputs.keys()) if (!expected.has(name)) violations.push(`${what}: '${name}' was never sent`)
  }
  const counts = await readTopic(client, topics.counts, 'read_committed')
  check(
    'counts',
    countsBy(counts, ({ key }) => key),
    sent
  )
  const windows = await readTopic(client, topics.windows, 'read_committed')
  // A windowed key is the key and eight bytes: the window's start.
  const nameOf = ({ keyBytes }: ReadRecord): string =>
    `${keyBytes.toString('utf8', 0, keyBytes.length - 8)}@${Number(keyBytes.readBigInt64BE(keyBytes.length - 8))}`
  check('windows', countsBy(windows, nameOf), byWindow)
  return {
    violations,
    inputs: inputs.length,
    outputs: counts.length + windows.length,
    ...longestGap(counts, from, to)
  }
}

/** By the brokers' clock: when each was written. */
export function longestGap(records: readonly ReadRecord[], from: number, to: number) {
  const byPartition = new Map<number, number[]>()
  for (const { partition, timestampMs } of records) append(byPartition, partition, timestampMs)
  let longest = { longestGapMs: 0, longestGapFrom: new Date(from) }
  for (const times of byPartition.values()) {
    let last = from
    for (const time of [...times.filter(each => each > from && each < to).sort((a, b) => a - b), to]) {
      if (time - last > longest.longestGapMs) longest = { longestGapMs: time - last, longestGapFrom: new Date(last) }
      last = time
    }
  }
  return longest
}

function countsBy(records: readonly ReadRecord[], nameOf: (record: ReadRecord) => string): Map<string, number[]> {
  const counts = new Map<string, number[]>()
  for (const record of records)
    append(counts, nameOf(record), (JSON.parse(record.value.toString()) as ClusterCount).count)
  return counts
}

/** What is wrong with a list that should be `total` long, each value given by its index. */
function firstWrong<T>(found: readonly T[], total: number, expected: (index: number) => T): string | undefined {
  for (let index = 0; index < Math.max(total, found.length); index++) {
    if (index >= found.length) return `record ${index + 1} of ${total} is missing`
    if (index >= total) return `record ${index + 1} is one too many`
    if (found[index] !== expected(index)) return `record ${index + 1} is ${String(found[index])}`
  }
  return undefined
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
