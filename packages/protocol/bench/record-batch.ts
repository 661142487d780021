// Records per second through the batch codec: 100-byte values, 8-byte keys, batches of 1,000 records.
// Run: node packages/protocol/bench/record-batch.ts
import { NO_RECORD_HEADERS, RecordBatchBuilder, RecordBatchCursor } from '@millrace/protocol'

const RECORDS_PER_BATCH = 1000
const BATCHES = 100
const ROUNDS = 30

const key = Buffer.from('user-042')
const value = Buffer.alloc(100, 'v')
const builder = new RecordBatchBuilder()

function encodeBatch(firstTimestampMs: number): Buffer {
  builder.reset()
  for (let i = 0; i < RECORDS_PER_BATCH; i++) {
    builder.append(key, 0, key.length, value, 0, value.length, firstTimestampMs + i, NO_RECORD_HEADERS)
  }
  return builder.build()
}

const batches: Buffer[] = []
for (let n = 0; n < BATCHES; n++) {
  const batch = encodeBatch(1_700_000_000_000 + n * 7)
  batch.writeUInt32BE(n * RECORDS_PER_BATCH, 4)
  batches.push(batch)
}
const log = Buffer.concat(batches)

function encodeAll(): number {
  for (let n = 0; n < BATCHES; n++) encodeBatch(1_700_000_000_000 + n * 7)
  return BATCHES * RECORDS_PER_BATCH
}

function decodeAll(checkCrc: boolean): number {
  const cursor = new RecordBatchCursor({ checkCrc })
  cursor.reset(log, 0, [])
  let count = 0
  let sum = 0
  while (cursor.next()) {
    count++
    sum += cursor.timestampMs + cursor.valueEnd - cursor.valueStart + cursor.keyEnd + cursor.offset
  }
  if (sum === 0) throw new Error('nothing read')
  return count
}

function measure(name: string, run: () => number): void {
  for (let i = 0; i < 5; i++) run()
  let records = 0
  const start = performance.now()
  for (let i = 0; i < ROUNDS; i++) records += run()
  const elapsedMs = performance.now() - start
  console.log(`${name.padEnd(22)} ${(records / elapsedMs / 1000).toFixed(2)} M records/s`)
}

measure('encode', encodeAll)
measure('decode', () => decodeAll(true))
measure('decode without CRC', () => decodeAll(false))
