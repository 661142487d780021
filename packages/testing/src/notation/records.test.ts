import { bytes, float64, int64, json, type Serde, sessionKey, string, windowedKey } from '@millrace/streams'
import { describe, expect, test } from 'vitest'
import { eventTimeText, parseEventTime } from './event-time.ts'
import { expectedRecords, inputSteps, recordText } from './records.ts'

const TEXT = { key: string(), value: string() }
const JSONS = { key: string(), value: json<unknown>() }

/** Key, value and time of each record; `idle` and a span. */
function steps(text: string, serdes: { key: Serde<any>; value: Serde<any> } = JSONS, previousMs = 0): unknown[] {
  return inputSteps(text, serdes, previousMs).map(step => {
    if (step.kind === 'idle') return ['idle', step.ms]
    const { key, value, timestampMs, headers } = step.record
    return headers.length === 0 ? [key, value, timestampMs] : [key, value, timestampMs, headers]
  })
}

describe('a record', () => {
  test('is a value, or key and value, with a time', () => {
    expect(steps('a@0 k:b@5s', TEXT)).toEqual([
      [null, 'a', 0],
      ['k', 'b', 5000]
    ])
  })

  test('is a tombstone with the value null, and has no key with the key null', () => {
    expect(steps('k:null@1 null:v@2 "null":"null"@3', TEXT)).toEqual([
      ['k', null, 1],
      [null, 'v', 2],
      ['null', 'null', 3]
    ])
  })

  test('takes JSON as key and value, with white space and everything else in it', () => {
    expect(steps('"a b":{"page": "/x:y@z", "n": [1, {"b": "}"}]}@1 k:[]@2 k:"\\"]"@3')).toEqual([
      ['a b', { page: '/x:y@z', n: [1, { b: '}' }] }, 1],
      ['k', [], 2],
      ['k', '"]', 3]
    ])
  })

  test('has a value of the type that its serde writes', () => {
    expect(steps('k:1@0 k:true@0 k:tea@0 k:-1.5e3@0').map(step => (step as unknown[])[1])).toEqual([
      1,
      true,
      'tea',
      -1500
    ])
    expect(steps('1:1@0', TEXT)).toEqual([['1', '1', 0]])
    expect(steps('7:2.5@0', { key: int64(), value: float64() })).toEqual([[7, 2.5, 0]])
    expect(steps('k:0x01ff@0', { key: string(), value: bytes() })).toEqual([['k', Buffer.from([1, 255]), 0]])
    expect(steps('a[5s,10s):1@0', { key: windowedKey(string()), value: json() })).toEqual([
      [{ key: 'a', startMs: 5000, endMs: 10_000 }, 1, 0]
    ])
  })

  test('may have headers: text, null, or bytes in hexadecimal digits', () => {
    expect(steps('k:v@5s^trace=7^note="two words"^none=null^raw=0xff', TEXT)).toEqual([
      [
        'k',
        'v',
        5000,
        [
          ['trace', Buffer.from('7')],
          ['note', Buffer.from('two words')],
          ['none', null],
          ['raw', Buffer.from([255])]
        ]
      ]
    ])
  })
})

test('times are milliseconds, spans, instants, relative, or that of the record before', () => {
  expect(
    steps('a@1500 b@1m30s c@+1.5s d e@0.5h f@2026-01-31T10:30Z g@2026-01-31').map(s => (s as unknown[])[2])
  ).toEqual([1500, 90_000, 91_500, 91_500, 1_800_000, Date.UTC(2026, 0, 31, 10, 30), Date.UTC(2026, 0, 31)])
  expect(steps('a b@+1s', JSONS, 7000).map(s => (s as unknown[])[2])).toEqual([7000, 8000])
})

test('idle spans, comments and line ends stand between records', () => {
  expect(steps('# first\n a@0 # then nothing\n--idle 30s --idle=1m\n b@1 #')).toEqual([
    [null, 'a', 0],
    ['idle', 30_000],
    ['idle', 60_000],
    [null, 'b', 1]
  ])
  expect(steps(' \n ')).toEqual([])
})

describe('what can’t be read is refused with its place and what was expected', () => {
  const refused = (text: string, serdes: { key: Serde<any>; value: Serde<any> } = JSONS): string => {
    try {
      steps(text, serdes)
    } catch (error) {
      expect(error).toMatchObject({ code: 'TEST_NOTATION_INVALID' })
      return (error as Error).message
    }
    return 'accepted'
  }

  test('with the line, the column, and a mark below it', () => {
    expect(refused('a:1@0\n  b:2@soon c:3@1')).toBe(
      "Line 2, column 7: a time expected: 1500, 5s, 1m30s, +5s or 2026-01-31T10:30Z; found 'soon'.\n" +
        '    b:2@soon c:3@1\n' +
        '        ^\n (TEST_NOTATION_INVALID)'
    )
  })

  test.each([
    ['a:', 3, 'a value after the colon, null for none, expected; found the end'],
    [':1@0', 1, "a key or a value, expected; found ':'"],
    ['a:b:c@0', 4, "'@', '^' or white space expected; found ':'"],
    ['a"b"', 2, "':', '@', '^' or white space expected; found '\"'"],
    ['a:{"x":1@0', 3, 'the end of what begins here, expected; found the end'],
    ['a:[}@0', 4, "'}' closes nothing"],
    ['a:{x}@0', 3, 'JSON expected'],
    ['a@', 3, 'a time expected: 1500, 5s, 1m30s, +5s or 2026-01-31T10:30Z; found the end'],
    ['a@+2026-01-31', 4, 'a time expected'],
    ['a@1x', 3, "found '1x'"],
    ['--idel 5s', 1, "'--idel' is no option; there is --idle"],
    ['a@0 --idle', 11, '--idle needs a span of time, such as 30s; found the end'],
    ['--idle=soon', 8, "found 'soon'"],
    ['a[5s:1@0', 3, "the start of the window, such as 5s, expected; found '5s:1@0'"],
    ['a[5s,6s:1', 6, "the end of the window, such as 5s, expected; found '6s:1'"],
    ['a[0,1)@0', 7, "':' and a value expected after a windowed key; found '@'"],
    ['a@0^', 5, 'a header expected, such as ^source=web; found the end'],
    ['a@0^b=', 7, "a value of the header 'b', null for none, expected; found the end"]
  ])('%s', (text, column, problem) => {
    const message = refused(text)
    expect(message).toContain(problem)
    expect(message).toContain(`Line 1, column ${column}:`)
  })

  test('values that do not fit their serde', () => {
    expect(refused('k:tea@0', { key: string(), value: int64() })).toContain(
      'column 3: a number expected for the serde int64'
    )
    expect(refused('{"a":1}:v@0', TEXT)).toContain('a text expected for the serde string')
    expect(refused('k:ff@0', { key: string(), value: bytes() })).toContain('such as 0x01ff')
    expect(refused('a:1@0', { key: windowedKey(string()), value: json() })).toContain('such as a[0,5s)')
    expect(refused('a[0,5s):1@0')).toContain('is not one of windowed keys')
  })
})

test.each([
  ['a:b@0 k:null@5s v@1m30s', TEXT],
  ['"a b":"x:y"@1s "":"--idle"@2026-01-31T10:30Z k:"null"@2026-01-31', TEXT],
  ['a:1@5ms a:"1"@0 a:tea@0 a:{"x":[1,null]}@1d1h1m1s1ms a:"true"@0', JSONS],
  ['1:-2.5@0 2:NaN@0', { key: int64(), value: float64() }],
  ['a:0x01ff@0', { key: string(), value: bytes() }],
  ['a[5s,10s):1@0 "x y"[0,5s):2@0', { key: windowedKey(string(), { sizeMs: 5000 }), value: json() }],
  ['a[5s,):1@0', { key: windowedKey(string()), value: json() }],
  ['a[5s,5s]:1@0', { key: sessionKey(string()), value: json() }],
  ['a:b@0^x=1^y=null^z=0xff^t="0xff"', TEXT]
])('%s is read and written alike', (text, serdes) => {
  const typed = serdes as { key: Serde<any>; value: Serde<any> }
  const records = expectedRecords(text, typed, 'topic')
  expect(records.map(record => recordText(record, typed)).join(' ')).toBe(text)
})

test('expected records leave out what is not compared, and are as their serde reads them', () => {
  const rounding: Serde<number> = {
    name: 'rounding',
    serialize: value => Buffer.from([value]),
    deserialize: bytes => bytes[0] as number
  }
  expect(expectedRecords('a:1.7 b:2@+5s^x=1', { key: string(), value: rounding }, 't')).toEqual([
    { key: 'a', value: 1, timestampMs: undefined, headers: undefined },
    { key: 'b', value: 2, timestampMs: 5000, headers: [['x', Buffer.from('1')]] }
  ])
  expect(() => expectedRecords('--idle 5s', TEXT, 't')).toThrow('--idle is for inputs')
})

test('event times are written in the shortest form that reads back', () => {
  for (const ms of [0, 1, 999, 1000, 61_001, 86_400_000, 400 * 86_400_000, 1.7e12, 1.7e12 + 1, 1_700_000_040_000]) {
    expect(parseEventTime(eventTimeText(ms))).toBe(ms)
  }
  expect([0, 1500, 300_000].map(eventTimeText)).toEqual(['0', '1s500ms', '5m'])
})
