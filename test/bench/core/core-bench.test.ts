import { expect, test } from 'vitest'
import { decodeRecords, encodeRecords } from './core-records.ts'
import { coreRecords, coreScenarios } from './core-scenarios.ts'
import { runCore } from './run-core.ts'

const [KEYS, RECORDS, FILL, CHUNK] = [20, 300, 100, 50]

/** What Kafka Streams' driver gave for the same records: CoreBench.java prints these numbers. */
const EXPECTED: Record<string, { outputs: number; checksum: number }> = {
  'map-filter': { outputs: 115, checksum: 2402067221 },
  count: { outputs: 200, checksum: 4220009816 },
  'tumbling-average': { outputs: 200, checksum: 3990654781 },
  session: { outputs: 358, checksum: 4075202642 },
  'stream-join': { outputs: 155, checksum: 1261686589 },
  'foreign-key-join': { outputs: 270, checksum: 2908386871 },
  'session, 10 × keys': { outputs: 322, checksum: 3209983330 },
  'stream-join, 10 × keys': { outputs: 92, checksum: 2111592665 },
  'stream-join, 10 × matches': { outputs: 994, checksum: 795771664 }
}

test.each(coreScenarios(KEYS))('$name gives what Kafka Streams gives, on LevelDB and in memory', async scenario => {
  // A hundred times as slow, so that sessions end and windows close.
  const slow = { ...scenario, stepMs: 100 * scenario.stepMs }
  const records = decodeRecords(encodeRecords(coreRecords(slow, RECORDS)))
  for (const store of ['level', 'memory'] as const) {
    const result = await runCore({ topology: scenario.topology, store, fill: FILL, chunk: CHUNK }, records)
    expect({ outputs: result.outputs, checksum: result.checksum }).toEqual(EXPECTED[scenario.name])
    expect(result.nanos).toBeGreaterThan(0)
  }
})
