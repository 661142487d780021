import { expect, test } from 'vitest'
import { PlainJson, NOT_PLAIN } from './plain-json.ts'

/** Read among other bytes, as in a fetched batch; what `JSON.parse` says is right, and an error of it is NOT_PLAIN here. */
function expectSame(plain: PlainJson, text: string): unknown {
  const before = '"},1'
  const bytes = Buffer.from(`${before}${text}"}2,"x":1}`)
  const from = before.length
  const found = plain.parse(bytes, from, from + Buffer.byteLength(text))
  if (found === NOT_PLAIN) return found
  const expected: unknown = JSON.parse(text)
  expect(found, text).toEqual(expected)
  expect(Object.entries(found as object), text).toEqual(Object.entries(expected as object))
  expect(Object.getPrototypeOf(found), text).toBe(Object.prototype)
  for (const [key, value] of Object.entries(expected as Record<string, unknown>)) {
    if (typeof value !== 'object') expect(Object.is((found as Record<string, unknown>)[key], value), text).toBe(true)
  }
  return found
}

test.each([
  '{"a":1}',
  '{"user":"anna","page":"/home","ms":17,"ts":1767225600000}',
  '{"a": 1, "b": "two", "c": true, "d": false, "e": null}',
  '{"zero":0,"minus":-7,"minusZero":-0,"long":999999999999999,"longer":9007199254740993,"half":0.5,"small":-1.5e-7,"large":1E+300}',
  '{"a":"","":"b"}',
  '{"a":1,"b":2,"a":3}',
  '{"2":"two","1":"one","b":0}',
  '{"constructor":1,"toString":"x","hasOwnProperty":null}',
  '{"a b":"c, d: {e} [f]"}',
  '{"a":1,"b":{"c":[2],"d":{"c":-0,"e":[]}},"f":[{"a":1},{"a":2, "b":3},[[1.5, "x"],null]],"g":""}'
])('reads %s as JSON.parse does', text => {
  expect(expectSame(new PlainJson(), text)).not.toBe(NOT_PLAIN)
})

test.each([
  ...[
    '',
    '{',
    '{}',
    '[]',
    '[1]',
    'null',
    '1',
    '"text"',
    ' {"a":1}',
    '{"a":1} ',
    '{ "a":1}',
    '{"a" :1}',
    '{"a":1 }',
    '{"a":  1}'
  ],
  ...[
    '{"a":{}}',
    '{"a":[ ]}',
    '{"a":[1,]}',
    '{"a":[,1]}',
    '{"a":[1}',
    '{"a":{"b":1]}',
    '{"a":"\\n"}',
    '{"\\u0061":1}',
    '{"a":"é"}',
    '{"é":1}',
    '{"a":"\u007f"}',
    '{"__proto__":1}'
  ],
  ...[
    '{"a":01}',
    '{"a":-}',
    '{"a":1.}',
    '{"a":.5}',
    '{"a":1e}',
    '{"a":+1}',
    '{"a":--1}',
    '{"a":1.2.3}',
    '{"a":0x1}',
    '{"a":NaN}'
  ],
  ...[
    '{"a":tru}',
    '{"a":nulll}',
    '{"a":True}',
    '{"a":1,}',
    '{"a":1,,"b":2}',
    '{,"a":1}',
    '{"a"}',
    '{"a":}',
    '{a:1}',
    "{'a':1}"
  ],
  ...['{"a":"b', '{"a":"b"', '{"a', '{"a":1', '{"a":tr', '{"a":"\t"}', '{"a":1}}', '{"a":1}{"b":2}']
])('leaves %s to JSON.parse', text => {
  expect(expectSame(new PlainJson(), text)).toBe(NOT_PLAIN)
})

test('does not read beyond the end of the buffer', () => {
  for (const text of [
    '{',
    '{"',
    '{"a',
    '{"a"',
    '{"a":',
    '{"a":"',
    '{"a":"b',
    '{"a":1',
    '{"a":-',
    '{"a":t',
    '{"a":1,',
    '{"a":1,"'
  ]) {
    expect(new PlainJson().parse(Buffer.from(text), 0, text.length)).toBe(NOT_PLAIN)
  }
})

test('agrees with JSON.parse on what is made at random, whole and damaged', () => {
  let state = 12345
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T
  const scalars: (() => string)[] = [
    () => String(random(2000) - 1000),
    () => String((random(2 ** 31) - 2 ** 30) * 2 ** random(40)),
    () => String(random(1000) / 7),
    () => `${random(10)}e${random(40) - 20}`,
    () => JSON.stringify('abcdefghijklmnop -_/:{}[],'.slice(random(20), 20 + random(7))),
    () => `{"c":${random(9)},"d":[${random(9)}, "x",{"e":null}]}`,
    () => pick(['true', 'false', 'null', '""', '-0', '{}', '[1,2]', '"\\""', '"ü"'])
  ]
  const plain = new PlainJson()
  let read = 0
  for (let i = 0; i < 20_000; i++) {
    const fields = Array.from(
      { length: 1 + random(5) },
      () => `"${pick(['a', 'b', 'user', 'ts', '7', 'longer name'])}":${pick(scalars)()}`
    )
    let text = `{${fields.join(pick([',', ', ']))}}`
    if (random(3) === 0) {
      const at = random(text.length)
      text =
        text.slice(0, at) +
        pick(['', '"', '}', ',', ':', '\\', ' ', '0', '-', 'e', '.', '{', 'x', '\0']) +
        text.slice(at + random(2))
    }
    if (expectSame(plain, text) !== NOT_PLAIN) read++
  }
  expect(read).toBeGreaterThan(3_000)
})

test('holds no more shapes than a few hundred, and leaves what it does not know to JSON.parse', () => {
  const plain = new PlainJson()
  let read = 0
  for (let i = 0; i < 1_000; i++) if (expectSame(plain, `{"key ${i}":1}`) !== NOT_PLAIN) read++
  expect(read).toBe(256)
})

test('hardly tries where nothing is plain, and tries again', () => {
  const plain = new PlainJson()
  for (let i = 0; i < 1_000; i++) expectSame(plain, '[1]')
  let tries = 0
  while (expectSame(plain, '{"a":1}') === NOT_PLAIN) tries++
  expect(tries).toBeLessThan(16)
  expect(expectSame(plain, '{"a":2}')).toEqual({ a: 2 })
})

test('what is deeper than it follows is left to JSON.parse', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"b":', '}']
  ] as const) {
    const text = (depth: number) => `{"a":${open.repeat(depth)}1${close.repeat(depth)}}`
    expect(expectSame(new PlainJson(), text(7))).not.toBe(NOT_PLAIN)
    expect(expectSame(new PlainJson(), text(8))).toBe(NOT_PLAIN)
    expect(expectSame(new PlainJson(), text(10_000))).toBe(NOT_PLAIN)
  }
})

test('more fields than it holds are left to JSON.parse', () => {
  const text = (count: number) => `{${Array.from({ length: count }, (_, i) => `"f${i}":${i}`).join()}}`
  expect(expectSame(new PlainJson(), text(64))).not.toBe(NOT_PLAIN)
  expect(expectSame(new PlainJson(), text(65))).toBe(NOT_PLAIN)
})
