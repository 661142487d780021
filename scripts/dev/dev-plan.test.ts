import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readDevPlan } from './dev-plan.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-dev-test-'))
  writeFileSync(join(dir, 'app.ts'), '')
  writeFileSync(join(dir, 'lines.txt'), 'a\n\nb c\n')
  writeFileSync(join(dir, 'empty.txt'), '\n')
})
afterEach(() => rmSync(dir, { recursive: true }))

const planOf = (plan: unknown) => {
  writeFileSync(join(dir, 'dev.json'), JSON.stringify(plan))
  return readDevPlan(join(dir, 'app.ts'))
}
const topics = { in: 2, out: 1 }
const sample = { topic: 'in', file: 'lines.txt' }

test('what dev.json leaves out has a default', () => {
  expect(planOf({ topics, sample })).toEqual({
    app: join(dir, 'app.ts'),
    topics: new Map([
      ['in', 2],
      ['out', 1]
    ]),
    samples: [{ topic: 'in', lines: ['a', 'b c'], module: undefined, everyMs: 1000 }],
    show: new Map()
  })
})

test('samples may be several, and made by a module', () => {
  const { samples } = planOf({ topics, sample: [sample, { topic: 'out', module: 'app.ts', everyMs: 5 }] })
  expect(samples.slice(1)).toEqual([{ topic: 'out', lines: [], module: join(dir, 'app.ts'), everyMs: 5 }])
})

test.each([
  [{ sample }, '`topics` must name topics'],
  [{ topics: { in: 0 }, sample }, '`topics.in` must be a number of partitions'],
  [{ topics }, '`sample` must have'],
  [{ topics, sample: { ...sample, topic: 'inn' } }, '`sample.topic` must be one of `topics`'],
  [{ topics, sample: { topic: 'in' } }, '`sample.file` must be a file'],
  [{ topics, sample: [sample, { ...sample, module: 'app.ts' }] }, 'or `sample.module`'],
  [{ topics, sample: { topic: 'in', module: 'none.ts' } }, "there is no file 'none.ts'"],
  [{ topics, sample: { ...sample, everyMs: 0 } }, '`sample.everyMs` must be above 0'],
  [{ topics, sample: { ...sample, file: 'empty.txt' } }, "'empty.txt' has no line"],
  [{ topics, sample, show: { in: 'int32' } }, '`show.in` must be one of text, int64, avro'],
  [{ topics, sample, show: { inn: 'text' } }, '`show.inn` is not one of `topics`']
])('%j is refused: %s', (plan, message) => {
  expect(() => planOf(plan)).toThrow(message)
})

test('files that are not there are named', () => {
  expect(() => readDevPlan(join(dir, 'app.ts'))).toThrow(join(dir, 'dev.json'))
  expect(() => readDevPlan(join(dir, 'none.ts'))).toThrow(join(dir, 'none.ts'))
})
