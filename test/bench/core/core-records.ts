/** Records of a run as bytes, in the order in which they come; the same for both sides. */
export interface CoreRecords {
  readonly topics: readonly string[]
  readonly count: number
  /** Index into `topics`. */
  readonly topicOf: Uint8Array
  readonly timestampsMs: Float64Array
  /** Keys and values one behind the other: record i has its key in [starts[i], valueStarts[i]), its value from there to starts[i + 1]. */
  readonly bytes: Buffer
  readonly starts: Int32Array
  readonly valueStarts: Int32Array
}

export interface CoreRecord {
  readonly topic: number
  readonly key: string
  readonly value: unknown
}

const START_MS = 1_700_000_000_000

/** @param stepMs - by how much each record is later than the one before. */
export function packRecords(
  topics: readonly string[],
  count: number,
  stepMs: number,
  recordAt: (i: number, random: Random) => CoreRecord
): CoreRecords {
  const random = new Random()
  const [topicOf, timestampsMs] = [new Uint8Array(count), new Float64Array(count)]
  const [starts, valueStarts] = [new Int32Array(count + 1), new Int32Array(count)]
  let bytes = Buffer.allocUnsafe(1 << 20)
  let end = 0
  for (let i = 0; i < count; i++) {
    const record = recordAt(i, random)
    const value = JSON.stringify(record.value)
    if (bytes.length - end < 4 * (record.key.length + value.length)) {
      bytes = Buffer.concat([bytes.subarray(0, end), Buffer.allocUnsafe(bytes.length)])
    }
    topicOf[i] = record.topic
    timestampsMs[i] = START_MS + Math.floor(i * stepMs)
    starts[i] = end
    end += bytes.write(record.key, end)
    valueStarts[i] = end
    end += bytes.write(value, end)
  }
  starts[count] = end
  return { topics, count, topicOf, timestampsMs, bytes: bytes.subarray(0, end), starts, valueStarts }
}

/** As CoreBench.java reads them: big-endian numbers, and bytes behind their lengths. */
export function encodeRecords(records: CoreRecords): Buffer {
  const names = records.topics.map(topic => Buffer.from(topic))
  const head = 8 + names.reduce((sum, name) => sum + 2 + name.length, 0)
  const file = Buffer.allocUnsafe(head + records.bytes.length + 17 * records.count)
  let at = file.writeInt32BE(names.length, 0)
  for (const name of names) {
    at = file.writeUInt16BE(name.length, at)
    at += name.copy(file, at)
  }
  at = file.writeInt32BE(records.count, at)
  for (let i = 0; i < records.count; i++) {
    const [start, valueStart, end] = [records.starts[i], records.valueStarts[i], records.starts[i + 1]] as number[]
    at = file.writeUInt8(records.topicOf[i] as number, at)
    at = file.writeBigInt64BE(BigInt(records.timestampsMs[i] as number), at)
    at = file.writeInt32BE((valueStart as number) - (start as number), at)
    at += records.bytes.copy(file, at, start, valueStart)
    at = file.writeInt32BE((end as number) - (valueStart as number), at)
    at += records.bytes.copy(file, at, valueStart, end)
  }
  return file
}

export function decodeRecords(file: Buffer): CoreRecords {
  let at = 4
  const topics = Array.from({ length: file.readInt32BE(0) }, () => {
    const start = at + 2
    at = start + file.readUInt16BE(at)
    return file.toString('utf8', start, at)
  })
  const count = file.readInt32BE(at)
  at += 4
  const [topicOf, timestampsMs] = [new Uint8Array(count), new Float64Array(count)]
  const [starts, valueStarts] = [new Int32Array(count + 1), new Int32Array(count)]
  const bytes = Buffer.allocUnsafe(file.length)
  let end = 0
  for (let i = 0; i < count; i++) {
    topicOf[i] = file.readUInt8(at)
    timestampsMs[i] = Number(file.readBigInt64BE(at + 1))
    starts[i] = end
    at += 9
    for (let part = 0; part < 2; part++) {
      const start = at + 4
      at = start + file.readInt32BE(at)
      end += file.copy(bytes, end, start, at)
      if (part === 0) valueStarts[i] = end
    }
  }
  starts[count] = end
  return { topics, count, topicOf, timestampsMs, bytes: bytes.subarray(0, end), starts, valueStarts }
}

/** The same numbers in every run. */
export class Random {
  private state = 0x9e3779b9

  /** Of 0 … `below` - 1. */
  next(below: number): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x
    return (x >>> 0) % below
  }
}
