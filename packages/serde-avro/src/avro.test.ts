import { isStreamsError } from '@millrace/streams/core'
import { describe, expect, test } from 'vitest'
import { avro } from './avro.ts'
import type { AvroSchema } from './avro-schema.ts'

const CONTEXT = { topic: 't', isKey: false }

function codeOf(work: () => unknown): { code: string; message: string } {
  try {
    work()
  } catch (error) {
    if (isStreamsError(error)) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('nothing was thrown')
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

// The bytes of the specification: https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
test.each<[string, AvroSchema, unknown, string]>([
  ['null', 'null', null, ''],
  ['a boolean', 'boolean', true, '01'],
  ['an int', 'int', -64, '7f'],
  ['an int', 'int', 64, '8001'],
  ['a long', 'long', 2 ** 53 - 2, 'fcffffffffffff1f'],
  ['a float', 'float', 0.5, '0000003f'],
  ['a double', 'double', 0.5, '000000000000e03f'],
  ['bytes', 'bytes', Buffer.from('ff00', 'hex'), '04ff00'],
  ['a string', 'string', 'foo', '06666f6f'],
  ['an enum', { type: 'enum', name: 'Foo', symbols: ['A', 'B', 'C', 'D'] }, 'D', '06'],
  ['an array', { type: 'array', items: 'long' }, [3, 27], '04063600'],
  ['a map', { type: 'map', values: 'long' }, { a: 1 }, '0202610200'],
  ['the null of a union', ['null', 'string'], null, '00'],
  ['the string of a union', ['null', 'string'], 'a', '020261'],
  ['fixed', { type: 'fixed', name: 'Two', size: 2 }, Buffer.from('abcd', 'hex'), 'abcd'],
  [
    'a record',
    {
      type: 'record',
      name: 'test',
      fields: [
        { name: 'a', type: 'long' },
        { name: 'b', type: 'string' }
      ]
    },
    { a: 27, b: 'foo' },
    '3606666f6f'
  ],
  ['a date', { type: 'int', logicalType: 'date' }, new Date('1970-01-03'), '04'],
  ['a time', { type: 'int', logicalType: 'time-millis' }, 64, '8001'],
  ['a timestamp', { type: 'long', logicalType: 'timestamp-millis' }, new Date(64), '8001'],
  ['a timestamp in microseconds', { type: 'long', logicalType: 'timestamp-micros' }, 64, '8001'],
  ['a negative decimal', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, '-1.30', '04ff7e'],
  ['a decimal', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, '0.05', '0205'],
  [
    'a decimal of fixed size',
    { type: 'fixed', name: 'D', size: 4, logicalType: 'decimal', precision: 9, scale: 2 },
    '-1.30',
    'ffffff7e'
  ],
  [
    'a UUID',
    { type: 'string', logicalType: 'uuid' },
    '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
    '48' + Buffer.from('6ba7b810-9dad-11d1-80b4-00c04fd430c8').toString('hex')
  ]
])('%s is written as the specification says, and read back', (_name, schema, value, bytes) => {
  const serde = avro<unknown>(schema)
  expect(hex(serde.serialize(value, CONTEXT))).toBe(bytes)
  expect(serde.deserialize(Buffer.from(bytes, 'hex'), CONTEXT)).toEqual(value)
  // Within a batch, there are other bytes around.
  const batch = Buffer.from(`ffff${bytes}0101`, 'hex')
  expect(serde.deserializeRange?.(batch, 2, batch.length - 2, CONTEXT)).toEqual(value)
})

describe('a long', () => {
  const tooLarge = Buffer.from('ffffffffffffffffff01', 'hex')

  test('beyond 2^53 is refused, rather than rounded', () => {
    const serde = avro('long')
    expect(codeOf(() => serde.deserialize(tooLarge, CONTEXT)).code).toBe('RECORD_DESERIALIZE_FAILED')
    expect(codeOf(() => serde.deserialize(Buffer.from('8080808080808020', 'hex'), CONTEXT)).code).toBe(
      'RECORD_DESERIALIZE_FAILED'
    )
    expect(codeOf(() => serde.serialize(2 ** 53, CONTEXT)).code).toBe('RECORD_SERIALIZE_FAILED')
    expect(codeOf(() => serde.serialize(1.5, CONTEXT)).code).toBe('RECORD_SERIALIZE_FAILED')
  })

  test.each([
    [0n, '00'],
    [-1n, '01'],
    [2n ** 31n, '8080808010'],
    [2n ** 53n, '8080808080808020'],
    [-(2n ** 49n) - 7n, '8d808080808080' + '02'],
    [2n ** 63n - 1n, 'feffffffffffffffff01'],
    [-(2n ** 63n), 'ffffffffffffffffff01']
  ])('is a bigint by option: %s', (value, bytes) => {
    const serde = avro('long', { long: 'bigint' })
    expect(hex(serde.serialize(value, CONTEXT))).toBe(bytes)
    expect(serde.deserialize(Buffer.from(bytes, 'hex'), CONTEXT)).toBe(value)
  })

  test('as a bigint has 64 bits and no other type', () => {
    const serde = avro({ type: 'array', items: ['null', 'long'] }, { long: 'bigint' })
    expect(codeOf(() => serde.serialize([2n ** 63n], CONTEXT)).code).toBe('RECORD_SERIALIZE_FAILED')
    expect(codeOf(() => serde.serialize([1 as never], CONTEXT)).code).toBe('RECORD_SERIALIZE_FAILED')
    expect(serde.deserialize(serde.serialize([5n, null], CONTEXT), CONTEXT)).toEqual([5n, null])
  })

  test('as a bigint leaves timestamps dates, and takes numbers as defaults', () => {
    const serde = avro(
      {
        type: 'record',
        name: 'R',
        fields: [
          { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
          { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
          { name: 'n', type: 'long', default: 7 }
        ]
      },
      { long: 'bigint' }
    )
    const value = { at: new Date(5), micros: 5_000n }
    expect(serde.deserialize(serde.serialize(value as never, CONTEXT), CONTEXT)).toEqual({ ...value, n: 7n })
  })
})

describe('a union', () => {
  test('is bare where values tell its branches apart, and named by branch where they do not', () => {
    const bare = avro(['null', 'string', { type: 'long', logicalType: 'timestamp-millis' }])
    for (const value of [null, 'a', new Date(7)]) {
      expect(bare.deserialize(bare.serialize(value, CONTEXT), CONTEXT)).toEqual(value)
    }
    const named = avro(['null', 'int', 'double'])
    for (const value of [null, { int: 1 }, { double: 1 }]) {
      expect(named.deserialize(named.serialize(value, CONTEXT), CONTEXT)).toEqual(value)
    }
    const date = { type: 'int', logicalType: 'date' } as const
    const dates = avro([date, { type: 'long', logicalType: 'timestamp-millis' }])
    for (const value of [{ int: new Date('2026-01-01') }, { long: new Date(1) }]) {
      expect(dates.deserialize(dates.serialize(value, CONTEXT), CONTEXT)).toEqual(value)
    }
    const decimal = { type: 'bytes', logicalType: 'decimal', precision: 4 } as const
    const texts = avro(['string', decimal])
    expect(hex(texts.serialize({ bytes: '1' }, CONTEXT))).toBe('020201')
  })
})

describe('a decimal', () => {
  const schema = { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 } as const

  test('loses no digit: what would have to be rounded or does not fit is refused', () => {
    const serde = avro(schema)
    for (const value of ['1.234', '1234.00', '1e3', '', '.5', 'x'])
      expect(codeOf(() => serde.serialize(value, CONTEXT)).code).toBe('RECORD_SERIALIZE_FAILED')
    const read = (value: string) => serde.deserialize(serde.serialize(value, CONTEXT), CONTEXT)
    expect(read('1')).toBe('1.00')
    expect(read('-0.5')).toBe('-0.50')
    expect(read('0.010')).toBe('0.01')
    expect(read('999.99')).toBe('999.99')
    expect(read('-1.28')).toBe('-1.28')
  })

  test('of a size that cannot be is bytes, as the specification asks', () => {
    const serde = avro<Buffer>({ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 3 })
    expect(serde.deserialize(serde.serialize(Buffer.from('a'), CONTEXT), CONTEXT)).toEqual(Buffer.from('a'))
  })
})

describe('bytes that are no value', () => {
  const ORDER = {
    type: 'record',
    name: 'shop.Order',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'lines', type: { type: 'array', items: 'int' } },
      { name: 'notes', type: { type: 'map', values: 'string' } }
    ]
  } as const
  const serde = avro(ORDER)
  const whole = Buffer.from(serde.serialize({ id: 'o1', lines: [1, 2], notes: { a: 'b' } }, CONTEXT))

  test('are refused wherever they end, also within a batch', () => {
    for (let length = 0; length < whole.length; length++) {
      const { code, message } = codeOf(() => serde.deserialize(whole.subarray(0, length), CONTEXT))
      expect(code).toBe('RECORD_DESERIALIZE_FAILED')
      expect(message).toContain(`${length} bytes are no value of the schema 'shop.Order'`)
      const batch = Buffer.concat([whole.subarray(0, length), Buffer.alloc(50, 1)])
      expect(codeOf(() => serde.deserializeRange?.(batch, 0, length, CONTEXT)).code).toBe('RECORD_DESERIALIZE_FAILED')
    }
    const longer = Buffer.concat([whole, Buffer.from([0])])
    expect(codeOf(() => serde.deserialize(longer, CONTEXT)).message).toContain('1 of 14 bytes are left over')
  })

  test('are not counted through when they claim more items than there are bytes', () => {
    const billions = Buffer.from('feffffffff1f', 'hex')
    for (const schema of [
      { type: 'array', items: 'int' },
      { type: 'array', items: 'null' },
      { type: 'map', values: 'int' }
    ]) {
      const { message } = codeOf(() => avro<unknown>(schema).deserialize(billions, CONTEXT))
      expect(message).toMatch(/a block of \d+ items does not fit into 0 bytes/)
    }
  })

  test('may be arrays of several blocks, with and without their sizes', () => {
    const numbers = avro({ type: 'array', items: 'int' })
    // 1 item: 1; 2 items in 2 bytes: 2, 3; end.
    expect(numbers.deserialize(Buffer.from('02020304040600', 'hex'), CONTEXT)).toEqual([1, 2, 3])
  })
})

test('an enum has its symbols and nothing else that objects know', () => {
  const serde = avro<string>({ type: 'enum', name: 'E', symbols: ['A', 'B'] })
  for (const value of ['toString', 'constructor', 'C', '']) {
    const { code, message } = codeOf(() => serde.serialize(value, CONTEXT))
    expect(code).toBe('RECORD_SERIALIZE_FAILED')
    expect(message).toContain(`the value is a string, ${JSON.stringify(value)}, which is no enum 'E'`)
  }
})

test('types may have names that objects know', () => {
  const schema = {
    type: 'record',
    name: 'constructor',
    fields: [
      { name: 'toString', type: { type: 'enum', name: 'valueOf', symbols: ['A'] } },
      { name: 'next', type: { type: 'array', items: 'constructor' } }
    ]
  }
  const serde = avro<unknown>(schema)
  const value = { toString: 'A', next: [{ toString: 'A', next: [] }] }
  expect(JSON.stringify(serde.deserialize(serde.serialize(value, CONTEXT), CONTEXT))).toBe(JSON.stringify(value))
})

test('a map keeps the key __proto__ as a key', () => {
  const serde = avro({ type: 'map', values: 'int' })
  const bytes = Buffer.from('0212' + Buffer.from('__proto__').toString('hex') + '0200', 'hex')
  expect(Object.entries(serde.deserialize(bytes, CONTEXT))).toEqual([['__proto__', 1]])
})

test('a value that does not fit is refused with the path of what is wrong', () => {
  const serde = avro<unknown>({
    type: 'record',
    name: 'Order',
    fields: [
      {
        name: 'lines',
        type: { type: 'array', items: { type: 'record', name: 'Line', fields: [{ name: 'count', type: 'int' }] } }
      }
    ]
  })
  const { code, message } = codeOf(() => serde.serialize({ lines: [{ count: 1 }, { count: 'two' }] }, CONTEXT))
  expect(code).toBe('RECORD_SERIALIZE_FAILED')
  expect(message).toContain(
    `A value does not fit the schema 'Order': 'lines.1.count' is a string, "two", which is no int.`
  )
})

test('what was written stays as it is, however much is written after it', () => {
  const serde = avro('string')
  const texts = Array.from({ length: 300 }, (_, index) => String(index % 10).repeat(index * 37))
  const written = texts.map(text => serde.serialize(text, CONTEXT))
  expect(written.map(bytes => serde.deserialize(bytes, CONTEXT))).toEqual(texts)
  // What is kept keeps no more than the page that it shares with others.
  expect(Math.max(...written.map(bytes => bytes.buffer.byteLength - bytes.byteLength))).toBeLessThan(64 * 1024)
})

test.each([
  ['no schema', 'strin', 'undefined type name: strin'],
  ['no fields', { type: 'record', name: 'R' }, 'R'],
  ['null', null, 'null']
])('a schema that is none is refused at once: %s', (_name, schema, words) => {
  const { code, message } = codeOf(() => avro<unknown>(schema))
  expect(code).toBe('SCHEMA_INVALID')
  expect(message).toContain(words)
})

test('options that are none are refused', () => {
  expect(codeOf(() => avro('int', { long: 'string' as never })).code).toBe('CONFIG_INVALID')
  expect(codeOf(() => avro('int', { longs: 'bigint' } as never)).code).toBe('CONFIG_UNKNOWN_OPTION')
})
