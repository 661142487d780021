import { TopologyTestDriver } from '@millrace/testing'
import { json, string, windowedKey } from 'millrace'
import { expect, test } from 'vitest'
import { type Reading, sensorReadings } from './readings.ts'
import { recomputed, windowName } from './recomputation.ts'
import { sensorTopology } from './topology.ts'

test('averages are those of a recomputation, also with a restart in the middle', async () => {
  const { topology, averages$ } = sensorTopology('readings', 'averages')
  const seen = new Map<string, number | null>()
  averages$.subscribe(({ key, value }) => seen.set(windowName(key.key, key.startMs), value))
  await using driver = await TopologyTestDriver.open(topology)
  const input = driver.inputTopic('readings', { key: string(), value: json<Reading>() })
  const output = driver.outputTopic('averages', { key: windowedKey(string()), value: json<number>() })
  for (const [index, reading] of [...sensorReadings()].entries()) {
    if (index === 700) await driver.restart()
    input.pipe(reading.sensor, reading, reading.timestampMs)
  }
  const expected = recomputed()
  expect(expected.size).toBe(68)
  expect(seen).toEqual(expected)
  const written = output.readKeyValues().map(([key, value]) => [windowName(key?.key ?? '', key?.startMs ?? 0), value])
  expect(new Map(written as [string, number][])).toEqual(expected)
  expect(written).toHaveLength(68)
})
