import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONSUMER_OPTIONS, PRODUCER_OPTIONS, resolveConfig } from '@millrace/streams/runtime'
import { KAFKAJS_OPTIONS } from '@millrace/transport-kafkajs'
import { expect, test } from 'vitest'
import { splitOptions } from './millrace-options.ts'
import { MILLRACE_OPTIONS } from './option-names.ts'
import { configurationPage, readOptionGroups } from '../../../scripts/docs/configuration-page.ts'

const ROOT = join(import.meta.dirname, '../../..')
const groups = readOptionGroups(ROOT)
const options = groups.flatMap(({ prefix, options: members }) =>
  members.map(member => ({ ...member, prefix, path: `${prefix}${member.name}` }))
)
const ranged = options.flatMap(({ doc, ...option }) => {
  const [, min, max] = /^(-?[\d,]+) to ([\d,]+)$/.exec(doc?.range ?? '') ?? []
  return min === undefined || max === undefined ? [] : [{ ...option, min: numberIn(min), max: numberIn(max) }]
})

function numberIn(text: string): number {
  return Number(text.replaceAll(',', ''))
}

/** What the check of all options says of this value, if it says something of this option. */
function refusal(path: string, value: unknown): string | undefined {
  const given = { applicationId: 'a', brokers: path === 'kafka.brokers' ? undefined : ['localhost:9'] }
  const [first, second] = path.split('.') as [string, string?]
  try {
    splitOptions({ ...given, [first]: second === undefined ? value : { [second]: value } } as never)
  } catch (error) {
    const text = String(error)
    return text.includes(`'${path}' is `) ? text : undefined
  }
  return undefined
}

test('docs/configuration.md is what `npm run docs` makes of the docstrings', () => {
  expect(readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8')).toBe(configurationPage(groups))
})

test('it has every option that is taken, and no other', () => {
  const known = [
    ...MILLRACE_OPTIONS,
    ...CONSUMER_OPTIONS.map(name => `consumer.${name}`),
    ...PRODUCER_OPTIONS.map(name => `producer.${name}`),
    ...KAFKAJS_OPTIONS.map(name => `kafka.${name}`)
  ]
  expect(options.map(({ path }) => path).sort()).toEqual([...known].sort())
})

test('it tells of each option what it does, its default, and, where it is a number, its range', () => {
  const groupsOfOptions = ['consumer', 'producer', 'kafka']
  for (const { path, name, doc, type, isOptional } of options) {
    expect(doc?.text.length, path).toBeGreaterThan(20)
    if (type === 'number') expect(doc?.range, path).toBeDefined()
    const needsNone = !isOptional || groupsOfOptions.includes(name) || name === 'brokers'
    if (!needsNone) expect(doc?.defaultValue, path).toBeDefined()
  }
})

test.each(ranged)('$path is held to the range that it tells', ({ path, min, max }) => {
  expect(refusal(path, min)).toBeUndefined()
  expect(refusal(path, max)).toBeUndefined()
  expect(refusal(path, min - 1)).toBeDefined()
  expect(refusal(path, max + 1)).toBeDefined()
  expect(refusal(path, Number.NaN)).toBeDefined()
  expect(refusal(path, String(min))).toBeDefined()
})

test('the defaults of the application that it tells are those that are used', () => {
  const resolved = resolveConfig({ applicationId: 'a' }) as unknown as Record<string, unknown>
  let compared = 0
  for (const { path, doc, prefix } of options) {
    const [, number, text] = /^(?:(-?[\d,]+)(?:;|$)|`([^`]+)`$)/.exec(doc?.defaultValue ?? '') ?? []
    if (prefix !== '' || !(path in resolved) || (number === undefined && text === undefined)) continue
    expect(resolved[path], path).toBe(number === undefined ? text : numberIn(number))
    compared++
  }
  expect(compared).toBeGreaterThan(15)
})
