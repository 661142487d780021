import { randomUUID } from 'node:crypto'
import {
  int64,
  isStreamsError,
  type Serde,
  type StreamsError,
  StreamsBuilder,
  string,
  tumbling,
  untilTimeLimit,
  windowedKey
} from '@millrace/streams'
import { TopologyTestDriver } from '@millrace/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AvroSchema } from '../avro-schema.ts'
import { registryAvro } from '../registry-avro.ts'
import { schemaRegistry } from '../schema-registry.ts'
import { Gate } from './gate.ts'

/** A registry that runs; `url` is the base of its API. */
export interface RunningRegistry {
  readonly url: string
  close(): Promise<void>
}

const ORDER_V1 = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'count', type: 'int' },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'SENT'] } }
  ]
} as const

/** Renamed, promoted, added, removed: and still reads what the first wrote. */
const ORDER_V2 = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'orderId', aliases: ['id'], type: 'string' },
    { name: 'count', type: 'long' },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'SENT', 'LOST'] } },
    { name: 'currency', type: 'string', default: 'EUR' }
  ]
} as const

const o1 = { id: 'o1', count: 2, note: 'quick', state: 'OPEN' } as const
const o1AsV2 = { orderId: 'o1', count: 2, state: 'OPEN', currency: 'EUR' } as const

export async function caught(work: () => unknown): Promise<StreamsError> {
  try {
    await work()
  } catch (error) {
    if (isStreamsError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** What every registry that speaks the API has to serve, and what the serde makes of it. */
export function registrySuite(start: () => Promise<RunningRegistry>): void {
  let running: RunningRegistry
  let gate: Gate
  let count = 0
  // The registry may have been used before.
  const prefix = `t-${randomUUID().slice(0, 8)}`
  const newTopic = () => `${prefix}-${++count}`

  beforeAll(async () => {
    running = await start()
    gate = await Gate.before(running.url)
  })
  afterAll(async () => {
    await gate?.close()
    await running?.close()
  })

  const options = () => ({ url: gate.url, retries: 1, retryBackoffMs: 5, retryBackoffMaxMs: 10 })
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${running.url}/${path}`, {
      method,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }
  const register = async (subject: string, schema: AvroSchema, more: object = {}) =>
    (await call('POST', `subjects/${subject}/versions`, { schema: JSON.stringify(schema), ...more }))['id'] as number
  const read = <T>(serde: Serde<T>, bytes: Uint8Array, topic = 'x') => serde.deserialize(bytes, { topic, isKey: false })
  const settledRead = async <T>(serde: Serde<T>, bytes: Uint8Array, topic = 'x') => {
    const error = await caught(() => read(serde, bytes, topic))
    expect(error.code).toBe('SERDE_NOT_READY')
    await error.details['ready']
    return read(serde, bytes, topic)
  }
  const written = async <T>(serde: Serde<T>, value: T, topic = newTopic()) => {
    await serde.prepare?.({ topic, isKey: false }, 'write')
    return serde.serialize(value, { topic, isKey: false })
  }
  const of = <const S extends AvroSchema>(schema: S) => registryAvro({ ...options(), schema })

  describe('the wire format', () => {
    test('is a zero byte, the id of the schema in four, and the value', async () => {
      const topic = newTopic()
      const bytes = Buffer.from(await written(of(ORDER_V1), o1, topic))
      const { id } = await call('GET', `subjects/${topic}-value/versions/latest`)
      expect(bytes[0]).toBe(0)
      expect(bytes.readInt32BE(1)).toBe(id)
      expect(bytes.subarray(5).toString('hex')).toBe('046f3104020a717569636b00')
    })

    test('is read without asking by whoever wrote it', async () => {
      const serde = of(ORDER_V1)
      const bytes = await written(serde, o1)
      gate.shut()
      try {
        expect(read(serde, bytes)).toEqual(o1)
      } finally {
        gate.open()
      }
    })
  })

  describe('subjects', () => {
    test.each([
      ['TopicName', (topic: string) => [`${topic}-value`, `${topic}-key`]],
      ['RecordName', () => ['shop.Order']],
      ['TopicRecordName', (topic: string) => [`${topic}-shop.Order`]],
      [(topic: string, isKey: boolean) => `mine-${topic}-${isKey}`, (topic: string) => [`mine-${topic}-false`]]
    ] as const)('are named by the strategy %s', async (subjectStrategy, subjects) => {
      const topic = newTopic()
      const serde = registryAvro({ ...options(), schema: ORDER_V1, subjectStrategy })
      await serde.prepare?.({ topic, isKey: false }, 'write')
      await serde.prepare?.({ topic, isKey: true }, 'write')
      for (const subject of subjects(topic))
        expect((await call('GET', `subjects/${subject}/versions/latest`))['version']).toBe(1)
    })

    test('are not written to without autoRegister, and what is there is found', async () => {
      const topic = newTopic()
      const serde = registryAvro({ ...options(), schema: ORDER_V1, autoRegister: false })
      const error = await caught(() => written(serde, o1, topic))
      expect(error.code).toBe('SCHEMA_NOT_FOUND')
      expect(error.message).toContain(`'${topic}-value'`)
      const id = await register(`${topic}-value`, ORDER_V1)
      expect(Buffer.from(await written(serde, o1, topic)).readInt32BE(1)).toBe(id)
    })

    test('keep their compatibility: what breaks it is refused in the words of the registry', async () => {
      const topic = newTopic()
      await register(`${topic}-value`, ORDER_V1)
      await call('PUT', `config/${topic}-value`, { compatibility: 'BACKWARD' })
      const changed = { ...ORDER_V1, fields: [...ORDER_V1.fields, { name: 'price', type: 'int' }] } as const
      const error = await caught(() => written(of(changed), { ...o1, price: 1 }, topic))
      expect(error.code).toBe('SCHEMA_INCOMPATIBLE')
      expect(error.message).toContain(`'${topic}-value'`)
      expect(error.message).toMatch(/It says 409: .*(incompatible|Incompatible)/)
      expect(error.action).toBe('stop')
      await written(of(ORDER_V2), o1AsV2, topic)
    })
  })

  describe('evolution', () => {
    test('reads what older and newer schemas wrote as the own one, by default, promotion, alias and removal', async () => {
      const old = await written(of(ORDER_V1), o1)
      expect(await settledRead(of(ORDER_V2), old)).toEqual(o1AsV2)
    })

    test('reads namespaces, unions, nested records and logical types', async () => {
      const writer = {
        type: 'record',
        name: 'old.Event',
        fields: [
          { name: 'at', type: 'long' },
          { name: 'day', type: { type: 'int', logicalType: 'date' } },
          { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 } },
          { name: 'from', type: { type: 'record', name: 'Place', fields: [{ name: 'zip', type: 'int' }] } },
          { name: 'tags', type: { type: 'array', items: 'string' } },
          { name: 'sizes', type: { type: 'map', values: 'int' } }
        ]
      } as const
      const reader = {
        type: 'record',
        name: 'new.Event',
        fields: [
          { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
          { name: 'day', type: ['null', { type: 'int', logicalType: 'date' }] },
          { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
          {
            name: 'from',
            type: {
              type: 'record',
              name: 'Place',
              fields: [
                { name: 'zip', type: 'long' },
                { name: 'city', type: 'string', default: '?' }
              ]
            }
          },
          { name: 'tags', type: { type: 'array', items: ['null', 'string'] } },
          { name: 'sizes', type: { type: 'map', values: 'double' } }
        ]
      } as const
      const day = new Date('2026-03-01')
      const value = { at: 7, day, price: '1.50', from: { zip: 8 }, tags: ['a'], sizes: { s: 1 } }
      const bytes = await written(of(writer), value)
      const expected = {
        at: new Date(7),
        day,
        price: '1.50',
        from: { zip: 8, city: '?' },
        tags: ['a'],
        sizes: { s: 1 }
      }
      expect(await settledRead(of(reader), bytes)).toEqual(expected)
    })

    test('refuses a schema that cannot be read as the own one, and a decimal of another scale', async () => {
      const decimal = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 6, scale })
      const bytes = await written(registryAvro<string>({ ...options(), schema: decimal(2) }), '1.50')
      const serde = registryAvro<string>({ ...options(), schema: decimal(3) })
      const error = await caught(() => settledRead(serde, bytes, 'prices'))
      expect(error.code).toBe('RECORD_DESERIALIZE_FAILED')
      expect(error.message).toMatch(
        /A value of 'prices' is no value of schema \d+, which cannot be read as .*prices-value/
      )
    })

    test('names the topic of each record that cannot be read, though the schema is refused once', async () => {
      const bytes = await written(of('boolean'), true)
      const serde = of('string')
      await caught(() => settledRead(serde, bytes, 'first'))
      const error = await caught(() => read(serde, bytes, 'second'))
      expect(error.message).toContain("A value of 'second' is no value of schema")
      expect(error.details).toMatchObject({ topic: 'second', subject: 'second-value' })
    })

    test('reads bytes that have been called a decimal since', async () => {
      const bytes = await written(of('bytes'), Buffer.from([0, 150]))
      const decimal = { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 } as const
      expect(await settledRead(of(decimal), bytes)).toBe('1.50')
    })

    test('reads values as they were written where no schema is given, in bigint as well', async () => {
      const bytes = await written(registryAvro({ ...options(), schema: 'long', long: 'bigint' }), 2n ** 62n)
      expect(await settledRead(registryAvro<bigint>({ ...options(), long: 'bigint' }), bytes)).toBe(2n ** 62n)
      const error = await caught(() => written(registryAvro<bigint>(options()), 1n))
      expect(error.code).toBe('CONFIG_INVALID')
    })

    test('follows references to schemas of other subjects', async () => {
      const topic = newTopic()
      const place = { type: 'record', name: 'geo.Place', fields: [{ name: 'zip', type: 'int' }] } as const
      await register(`${topic}-place`, place)
      const person = { type: 'record', name: 'Person', fields: [{ name: 'home', type: 'geo.Place' }] } as const
      const references = [{ name: 'geo.Place', subject: `${topic}-place`, version: 1 }]
      const id = await register(`${topic}-value`, person, { references })
      const bytes = Buffer.from([0, id >>> 24, id >>> 16, id >>> 8, id, 16])
      expect(await settledRead(registryAvro(options()), bytes, topic)).toEqual({ home: { zip: 8 } })
    })
  })

  describe('in a topology', () => {
    const serdes = (value: Serde<any>) => ({ key: string(), value })

    test('a store keeps its values across a compatible change of the schema, on disk and restored', async () => {
      const topic = newTopic()
      const applicationId = `${topic}-app`
      const last = (schema: AvroSchema) => {
        const builder = new StreamsBuilder()
        const value = registryAvro<object>({ ...options(), schema })
        builder
          .stream(topic, { key: string(), value })
          .groupByKey()
          .reduce((_, next) => next, { store: 'lasts', value })
        return builder.build()
      }
      await using driver = await TopologyTestDriver.open(last(ORDER_V1), { applicationId })
      const input = driver.inputTopic(topic, serdes(of(ORDER_V1)))
      await driver.settle()
      input.pipe('a', o1, 1)
      input.pipe('b', { ...o1, id: 'o2' }, 2)
      for (const disk of ['kept', 'lost'] as const) {
        await driver.restart({ topology: last(ORDER_V2), disk })
        expect(await driver.snapshot()).toEqual({ lasts: { a: o1AsV2, b: { ...o1AsV2, orderId: 'o2' } } })
      }
      // The new version writes its own; both stand side by side, and the old application still reads them by its schema.
      const second = driver.inputTopic(topic, serdes(of(ORDER_V2)))
      await driver.settle()
      second.pipe('a', { ...o1AsV2, currency: 'CHF' }, 3)
      await driver.settle()
      await driver.restart()
      expect(await driver.snapshot()).toEqual({
        lasts: { a: { ...o1AsV2, currency: 'CHF' }, b: { ...o1AsV2, orderId: 'o2' } }
      })
    })

    test('keys may be of Avro, and those of windows', async () => {
      const topic = newTopic()
      const key = of({ type: 'record', name: 'Key', fields: [{ name: 'user', type: 'string' }] })
      const builder = new StreamsBuilder()
      builder
        .stream(topic, { key, value: string() })
        .groupByKey({ key, value: string() })
        .windowedBy(tumbling('1m'))
        .count({ store: 'counts' })
        .toStream()
        .to(`${topic}-out`)
      await using driver = await TopologyTestDriver.open(builder.build(), { applicationId: `${topic}-app` })
      const input = driver.inputTopic(topic, { key, value: string() })
      const output = driver.outputTopic(`${topic}-out`, { key: windowedKey(key, { sizeMs: 60_000 }), value: int64() })
      await driver.settle()
      input.pipe({ user: 'ann' }, 'x', 5)
      await driver.settle()
      expect(output.readKeyValues()).toEqual([[{ key: { user: 'ann' }, startMs: 0, endMs: 60_000 }, 1]])
      await call('GET', `subjects/${topic}-out-key/versions/1`)
    })

    test('nothing is asked while records of known schemas are processed', async () => {
      const topic = newTopic()
      await register(`${topic}-value`, ORDER_V1)
      const bytes = await written(of(ORDER_V1), o1, topic)
      const builder = new StreamsBuilder()
      builder.stream(topic, serdes(of(ORDER_V2))).to(`${topic}-out`, { value: of(ORDER_V2) })
      await using driver = await TopologyTestDriver.open(builder.build(), { applicationId: `${topic}-app` })
      gate.shut()
      try {
        driver.inputTopic(topic, serdes(string())).pipeBytes(null, bytes, 1)
      } finally {
        gate.open()
      }
      expect(driver.outputTopic(`${topic}-out`, serdes(string())).size).toBe(1)
    })

    test('bad records go to the handler, each with what is wrong, and the others are processed', async () => {
      const topic = newTopic()
      const good = Buffer.from(await written(of(ORDER_V1), o1, topic))
      const unlike = await register(`${topic}-other`, 'boolean')
      const messages: string[] = []
      const builder = new StreamsBuilder()
      const value = of(ORDER_V1)
      builder.stream(topic, serdes(value)).to(`${topic}-out`, { value })
      await using driver = await TopologyTestDriver.open(builder.build(), {
        applicationId: `${topic}-app`,
        handlers: {
          onDeserializationError: ({ error }) => {
            messages.push(error.message)
            return 'continue'
          }
        }
      })
      const output = driver.outputTopic(`${topic}-out`, serdes(of(ORDER_V1)))
      const input = driver.inputTopic(topic, serdes(string()))
      const id = (n: number) => Buffer.from([0, n >>> 24, n >>> 16, n >>> 8, n])
      input.pipeBytes(null, Buffer.from('{"id":"o1"}'), 1)
      input.pipeBytes(null, Buffer.from([0, 0]), 2)
      input.pipeBytes(null, Buffer.concat([id(999_999), good.subarray(5)]), 3)
      input.pipeBytes(null, good.subarray(0, good.length - 1), 4)
      input.pipeBytes(null, Buffer.concat([id(unlike), Buffer.from([1])]), 5)
      input.pipeBytes(null, good, 6)
      await driver.settle()
      expect(output.readRecords().map(record => record.value)).toEqual([o1])
      expect(messages).toHaveLength(5)
      expect(messages[0]).toMatch(/should begin with a zero byte .* but the first of 11 bytes is 0x7b/)
      expect(messages[1]).toMatch(/but there are only 2 bytes/)
      expect(messages[2]).toMatch(new RegExp(`'${topic}' is no value of schema 999999: .* It says 404`))
      expect(messages[2]).toContain(`subject '${topic}-value'`)
      expect(messages[3]).toMatch(/after the id \d+: \d+ bytes end before the value does/)
      expect(messages[4]).toMatch(new RegExp(`of schema ${unlike}, which cannot be read as 'shop.Order'`))
    })

    test('a record of an unknown schema waits while the registry is away, and is lost to no handler', async () => {
      const topic = newTopic()
      const builder = new StreamsBuilder()
      const value = of(ORDER_V2)
      builder.stream(topic, serdes(value)).to(`${topic}-out`, { value })
      await using driver = await TopologyTestDriver.open(builder.build(), {
        applicationId: `${topic}-app`,
        handlers: { onDeserializationError: 'continue' }
      })
      const output = driver.outputTopic(`${topic}-out`, serdes(of(ORDER_V2)))
      await driver.settle()
      const bytes = await written(of(ORDER_V1), o1, topic)
      gate.shut()
      let settled = false
      const input = driver.inputTopic(topic, serdes(string()))
      input.pipeBytes(null, bytes, 1)
      const done = driver.settle().then(() => {
        settled = true
      })
      const probe = schemaRegistry(options())
      // Longer than a round of tries: the same requests, begun later.
      for (let round = 0; round < 3; round++) await probe.fetch(1)
      expect([settled, output.size]).toEqual([false, 0])
      gate.open()
      await done
      expect(output.size).toBe(1)
    })

    test('a registry that is away at the start is named, and it starts once it is back', async () => {
      const topic = newTopic()
      const builder = new StreamsBuilder()
      builder.stream(topic, serdes(string())).to(`${topic}-out`, { value: of('string') })
      gate.shut()
      const error = await caught(() => TopologyTestDriver.open(builder.build()))
      gate.open()
      expect(error.code).toBe('REGISTRY_UNAVAILABLE')
      expect(error.action).toBe('retry')
      expect(error.message).toContain(`POST ${gate.url}/subjects/${topic}-out-value/versions`)
      await using driver = await TopologyTestDriver.open(builder.build())
      driver.inputTopic(topic, serdes(string())).pipe('k', 'v', 1)
    })

    test('a topic whose name is computed, and whose schema is not registered, ends the application rather than trying for ever', async () => {
      const topic = newTopic()
      const value = registryAvro({ ...options(), schema: 'string', autoRegister: false })
      const builder = new StreamsBuilder()
      builder.stream(topic, serdes(string())).to((_key, text) => `${topic}-${text}`, { value })
      await using driver = await TopologyTestDriver.open(builder.build(), { applicationId: `${topic}-app` })
      driver.inputTopic(topic, serdes(string())).pipe('k', 'v', 1)
      expect((await caught(() => driver.settle())).code).toBe('SCHEMA_NOT_FOUND')
      expect((await caught(() => driver.restart())).code).toBe('SCHEMA_NOT_FOUND')
    })

    test('a topic whose name is computed is registered while its task waits, and nothing is processed twice', async () => {
      const topic = newTopic()
      const builder = new StreamsBuilder()
      let processed = 0
      builder
        .stream(topic, serdes(string()))
        .peek(() => void processed++)
        .to((_key, value) => `${topic}-${value[0]}`, { value: of('string') })
      await using driver = await TopologyTestDriver.open(builder.build(), { applicationId: `${topic}-app` })
      const input = driver.inputTopic(topic, serdes(string()))
      for (const value of ['a1', 'b1', 'a2']) input.pipe('k', value, 1)
      await driver.settle()
      const read = async (letter: string) => {
        const output = driver.outputTopic(`${topic}-${letter}`, serdes(of('string')))
        await driver.settle()
        return output.readRecords().map(record => record.value)
      }
      expect([await read('a'), await read('b')]).toEqual([['a1', 'a2'], ['b1']])
      expect(processed).toBe(3)
      await call('GET', `subjects/${topic}-b-value/versions/1`)
    })

    const NAME = { type: 'record', name: 'Name', fields: [{ name: 'name', type: 'string' }] } as const
    const PERSON = {
      type: 'record',
      name: 'Person',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'city', type: NAME }
      ]
    } as const

    test('a foreign-key join of Avro keys asks for nothing while it joins', async () => {
      const topic = newTopic()
      const key = of(NAME)
      const builder = new StreamsBuilder()
      const cities = builder.table(`${topic}-cities`, { key, value: of('string') })
      builder
        .table(`${topic}-people`, { key, value: of(PERSON) })
        .join(
          cities,
          (_key, { city }) => city,
          ({ name }, country) => `${name} in ${country}`
        )
        .toStream()
        .to(`${topic}-out`, { key, value: of('string') })
      await using driver = await TopologyTestDriver.open(builder.build(), { applicationId: `${topic}-app` })
      const people = driver.inputTopic(`${topic}-people`, { key, value: of(PERSON) })
      const countries = driver.inputTopic(`${topic}-cities`, { key, value: of('string') })
      const output = driver.outputTopic(`${topic}-out`, { key, value: of('string') })
      await driver.settle()
      gate.shut()
      try {
        const [ann, bob] = [{ name: 'ann' }, { name: 'bob' }]
        people.pipe(ann, { name: 'Ann', city: { name: 'Graz' } }, 1)
        countries.pipe({ name: 'Graz' }, 'AT', 2)
        people.pipe(bob, { name: 'Bob', city: { name: 'Graz' } }, 3)
        // The same key as another object, another key, and no more.
        people.pipe(ann, { name: 'Anna', city: { name: 'Graz' } }, 4)
        people.pipe(ann, { name: 'Anna', city: { name: 'Bern' } }, 5)
        countries.pipe({ name: 'Graz' }, null, 6)
        expect(output.readKeyValues()).toEqual([
          [ann, 'Ann in AT'],
          [bob, 'Bob in AT'],
          [ann, 'Anna in AT'],
          [ann, null],
          [bob, null]
        ])
      } finally {
        gate.open()
      }
    })

    test('a table is grouped by Avro keys without asking, under the subjects of its topics', async () => {
      const topic = newTopic()
      const builder = new StreamsBuilder()
      const city = of(NAME)
      builder
        .table(topic, { key: string(), value: of(PERSON) })
        .groupBy((_key, person) => [person.city, person], { key: city, value: of(PERSON) })
        .count({ store: 'people-of-cities', key: city })
        .toStream()
        .to(`${topic}-out`)
      await using driver = await TopologyTestDriver.open(builder.build(), { applicationId: `${topic}-app` })
      const people = driver.inputTopic(topic, { key: string(), value: of(PERSON) })
      const output = driver.outputTopic(`${topic}-out`, { key: city, value: int64() })
      await driver.settle()
      gate.shut()
      try {
        people.pipe('ann', { name: 'Ann', city: { name: 'Graz' } }, 1)
        people.pipe('ann', { name: 'Anna', city: { name: 'Graz' } }, 2)
        people.pipe('ann', { name: 'Anna', city: { name: 'Bern' } }, 3)
        expect(output.readKeyValues()).toEqual([
          [{ name: 'Graz' }, 1],
          [{ name: 'Graz' }, 1],
          [{ name: 'Graz' }, 0],
          [{ name: 'Bern' }, 1]
        ])
      } finally {
        gate.open()
      }
    })

    test('updates that are held back in a bounded buffer are measured without asking', async () => {
      const topic = newTopic()
      const key = of(NAME)
      const builder = new StreamsBuilder()
      builder
        .table(topic, { key, value: of(PERSON) })
        .suppress(untilTimeLimit('1h', { maxBytes: 200 }))
        .toStream()
        .to(`${topic}-out`)
      await using driver = await TopologyTestDriver.open(builder.build(), { applicationId: `${topic}-app` })
      const people = driver.inputTopic(topic, { key, value: of(PERSON) })
      const output = driver.outputTopic(`${topic}-out`, { key, value: of(PERSON) })
      await driver.settle()
      gate.shut()
      try {
        for (let n = 0; n < 20; n++) people.pipe({ name: `p${n}` }, { name: 'x'.repeat(20), city: { name: 'Graz' } }, n)
        expect(output.size).toBeGreaterThan(10)
        expect(output.size).toBeLessThan(20)
      } finally {
        gate.open()
      }
    })
  })
}
