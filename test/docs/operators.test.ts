import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examplesModule } from '../../scripts/docs/examples-module.ts'
import { type OperatorDocs, readOperatorDocs } from '../../scripts/docs/operator-docs.ts'
import { anchor, operatorsPage } from '../../scripts/docs/operators-page.ts'
import { EXAMPLES } from './fixtures/operator-examples.ts'
import { runExample } from './operator-example.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const docs: OperatorDocs = readOperatorDocs(ROOT)
const entries = docs.sections.flatMap(section => section.entries)

describe('docs/operators.md', () => {
  test('is what `npm run docs` makes of the docstrings', () => {
    expect(read('docs/operators.md') === operatorsPage(docs), 'Run `npm run docs` and commit docs/operators.md.').toBe(
      true
    )
    const module = read('test/docs/fixtures/operator-examples.ts')
    expect(module === examplesModule(docs), 'Run `npm run docs` and commit test/docs/fixtures.').toBe(true)
  })

  test('links only to headings that it has', () => {
    const page = read('docs/operators.md')
    const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(match => anchor(match[1] as string))
    const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(match => match[1] as string)
    expect(links.length).toBeGreaterThan(100)
    expect(links.filter(link => !headings.includes(link))).toEqual([])
    expect(headings.filter((heading, index) => headings.indexOf(heading) !== index)).toEqual([])
  })
})

describe('every operator', () => {
  test('has a docstring with an example that sends something', () => {
    const poor = entries.filter(({ doc }) => {
      const examples = doc?.examples ?? []
      return doc?.text === undefined || doc.text === '' || !examples.some(({ steps }) => steps.length > 0)
    })
    expect(poor.map(({ title }) => title)).toEqual([])
  })

  test('tells what it is in Kafka Streams, or that it is not there', () => {
    expect(entries.filter(({ doc }) => doc?.kafka.length === 0).map(({ title }) => title)).toEqual([])
  })
})

test('every option of an operator has a docstring', () => {
  const mute = docs.options.flatMap(({ name, doc, members }) => [
    ...(doc === undefined ? [name] : []),
    ...members.filter(member => member.doc === undefined).map(member => `${name}.${member.name}`)
  ])
  expect(docs.options.length).toBeGreaterThan(30)
  expect(mute).toEqual([])
})

describe('the example of', () => {
  test.each(EXAMPLES)('$of does what is written under it', async example => {
    expect(await runExample(example)).toEqual(example.steps)
  })
})
