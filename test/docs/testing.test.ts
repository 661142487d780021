// The examples of docs/testing.md, as they are there: the last test compares them.
import { readFile } from 'node:fs/promises'

// example: imports
import { TopologyTestDriver } from '@millrace/testing'
import '@millrace/testing/vitest'
import { int64, json, session, StreamsBuilder, string, tumbling, untilWindowCloses, windowedKey } from 'millrace'
import { expect, test } from 'vitest'
// end

// example: first
function clicksPerPage() {
  const builder = new StreamsBuilder()
  builder
    .stream('clicks', { key: string(), value: json<{ page: string }>() })
    .groupBy((_user, { page }) => page, { key: string() })
    .count({ store: 'clicks-per-page' })
    .toStream()
    .to('counts', { key: string(), value: int64() })
  return builder.build()
}

test('clicks are counted per page', async () => {
  await using driver = await TopologyTestDriver.open(clicksPerPage())
  const clicks = driver.inputTopic('clicks', { key: string(), value: json<{ page: string }>() })
  const counts = driver.outputTopic('counts', { key: string(), value: int64() })

  clicks.pipe('anna:{"page":"/home"}@0 ben:{"page":"/cart"}@2s anna:{"page":"/home"}@5s')
  expect(counts).toHaveEmitted('/home:1@0 /cart:1@2s /home:2@5s')
  await expect(driver).toHaveStore('clicks-per-page', { '/cart': 1, '/home': 2 })
})
// end

// example: text
test('what came out can be read as text', async () => {
  await using driver = await TopologyTestDriver.open(clicksPerPage())
  const clicks = driver.inputTopic('clicks', { key: string(), value: json<{ page: string }>() })
  clicks.pipe('anna:{"page":"/home"}@0 ben:{"page":"/home"}@1m30s')
  expect(driver.outputTopic('counts', { key: string(), value: int64() }).readText()).toBe('/home:1@0 /home:2@1m30s')
})
// end

// example: snapshot
test('stores are compared with a snapshot', async () => {
  const builder = new StreamsBuilder()
  const clicks = builder.stream('clicks', { key: string(), value: string() }).groupByKey()
  clicks.windowedBy(tumbling('5m')).count({ store: 'per-5m', retention: '1h' })
  clicks.windowedBy(session('1m')).count({ store: 'visits', retention: '1h' })
  await using driver = await TopologyTestDriver.open(builder.build())

  driver.inputTopic('clicks', { key: string(), value: string() }).pipe('anna:a@0 anna:b@30s ben:c@4m anna:d@6m')
  expect(await driver.snapshot()).toEqual({
    'per-5m': { 'anna[0,5m)': 2, 'anna[5m,10m)': 1, 'ben[0,5m)': 1 },
    visits: { 'anna[0,30s]': 2, 'anna[6m,6m]': 1, 'ben[4m,4m]': 1 }
  })
  expect(await driver.snapshot({ stores: ['per-5m'], timestamps: true })).toMatchInlineSnapshot(`
    {
      "per-5m": {
        "anna[0,5m)": {
          "timestampMs": 30000,
          "value": 2,
        },
        "anna[5m,10m)": {
          "timestampMs": 360000,
          "value": 1,
        },
        "ben[0,5m)": {
          "timestampMs": 240000,
          "value": 1,
        },
      },
    }
  `)
})
// end

// example: windows
test('a window is emitted when it closes', async () => {
  const builder = new StreamsBuilder()
  builder
    .stream('clicks', { key: string(), value: string() })
    .groupByKey()
    .windowedBy(tumbling('10s', { grace: '5s' }))
    .count()
    .suppress(untilWindowCloses())
    .toStream()
    .to('counts', { key: windowedKey(string()), value: int64() })
  await using driver = await TopologyTestDriver.open(builder.build())
  const clicks = driver.inputTopic('clicks', { key: string(), value: string() })
  const counts = driver.outputTopic('counts', { key: windowedKey(string(), { sizeMs: 10_000 }), value: int64() })

  clicks.pipe(`
    anna:a@1s anna:b@9s
    ben:c@12s
    anna:d@3s             # late, and within the grace
  `)
  expect(counts).toHaveEmitted('')
  clicks.pipe('ben:e@15s')
  expect(counts).toHaveEmitted('anna[0,10s):3@9s')
  clicks.pipe('anna:f@4s') // too late
  expect(counts).toHaveEmitted('')
})
// end

// example: wall clock
test('a report is made every minute of the wall clock', async () => {
  const builder = new StreamsBuilder()
  builder
    .stream('clicks', { key: string(), value: string() })
    .process<string, number>(() => {
      let clicks = 0
      return {
        init(context) {
          context.schedule('1m', 'wall-clock', timestampMs => {
            context.forward({ key: 'clicks', value: clicks, timestampMs, headers: [] })
          })
        },
        process() {
          clicks++
        }
      }
    })
    .to('reports', { key: string(), value: int64() })
  await using driver = await TopologyTestDriver.open(builder.build())
  const clicks = driver.inputTopic('clicks', { key: string(), value: string() })
  const reports = driver.outputTopic('reports', { key: string(), value: int64() })

  clicks.pipe('anna:a@0 ben:b@+5s --idle 1m anna:c@+5s --idle 30s')
  expect(reports).toHaveEmitted('clicks:2@1m')
  driver.advanceWallClock(30_000)
  expect(reports).toHaveEmitted('clicks:3@2m')
})
// end

// example: restart
test('counts survive a restart, and a lost disk', async () => {
  await using driver = await TopologyTestDriver.open(clicksPerPage())
  const clicks = driver.inputTopic('clicks', { key: string(), value: json<{ page: string }>() })
  clicks.pipe('anna:{"page":"/home"}@0')
  await driver.restart()
  clicks.pipe('anna:{"page":"/home"}@1s')
  await driver.restart({ disk: 'lost' })
  await expect(driver).toHaveStore('clicks-per-page', { '/home': 2 })
})
// end

// example: errors
test('a record that cannot be read is an error, unless a handler lets it pass', async () => {
  const serdes = { key: string(), value: json<{ page: string }>() }
  await using strict = await TopologyTestDriver.open(clicksPerPage())
  expect(() => strict.inputTopic('clicks', serdes).pipeBytes(null, Buffer.from('no JSON'), 0)).toThrow(
    expect.objectContaining({ code: 'RECORD_DESERIALIZE_FAILED' })
  )

  const handlers = { onDeserializationError: 'continue' } as const
  await using lenient = await TopologyTestDriver.open(clicksPerPage(), { handlers })
  lenient.inputTopic('clicks', serdes).pipeBytes(null, Buffer.from('no JSON'), 0)
  expect(lenient.outputTopic('counts', { key: string(), value: int64() })).toHaveEmitted('')
})
// end

// example: cache
test('with a cache, updates of a key are put together until the commit', async () => {
  await using driver = await TopologyTestDriver.open(clicksPerPage(), { cacheBytes: 1_000_000 })
  const clicks = driver.inputTopic('clicks', { key: string(), value: json<{ page: string }>() })
  const counts = driver.outputTopic('counts', { key: string(), value: int64() })
  clicks.pipe('anna:{"page":"/home"}@0 ben:{"page":"/home"}@5s')
  expect(counts).toHaveEmitted('')
  await driver.commit()
  expect(counts).toHaveEmitted('/home:2@5s')
})
// end

test('the page shows these examples, and no others', async () => {
  const read = async (path: string) => await readFile(new URL(path, import.meta.url), 'utf8')
  const examples = (await read('testing.test.ts')).matchAll(/^\/\/ example: .*\n([\s\S]*?)^\/\/ end$/gm)
  const blocks = (await read('../../docs/testing.md')).matchAll(/^```ts\n([\s\S]*?)^```$/gm)
  const shown = [...blocks].map(([, code]) => code)
  expect(shown).toEqual([...examples].map(([, code]) => code))
  expect(shown.length).toBeGreaterThan(5)
})

test('the page shows the message of a failure as it is', async () => {
  await using driver = await TopologyTestDriver.open(clicksPerPage())
  const clicks = driver.inputTopic('clicks', { key: string(), value: json<{ page: string }>() })
  clicks.pipe('anna:{"page":"/home"}@0 ben:{"page":"/cart"}@2s anna:{"page":"/home"}@5s')
  let message = ''
  try {
    expect(driver.outputTopic('counts', { key: string(), value: int64() })).toHaveEmitted('/home:1@0 /home:3@5s')
  } catch (error) {
    message = (error as Error).message
  }
  expect(await readFile(new URL('../../docs/testing.md', import.meta.url), 'utf8')).toContain(message.trim())
})
