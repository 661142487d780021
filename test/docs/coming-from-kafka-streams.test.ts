import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as millrace from 'millrace'
import { expect, test } from 'vitest'
import { readOptionGroups } from '../../scripts/docs/configuration-page.ts'
import { readOperatorDocs } from '../../scripts/docs/operator-docs.ts'
import { anchor } from '../../scripts/docs/operators-page.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const page = read('docs/coming-from-kafka-streams.md')

const chapters = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map(chapter => [chapter.slice(0, chapter.indexOf('\n')), chapter] as const)
)

/** What stands in the second column of a chapter's table. */
function ours(chapter: string): string[] {
  const rows = [...(chapters.get(chapter) ?? '').matchAll(/^\| .* \| (.*) \|$/gm)].map(match => match[1] as string)
  expect(rows.length).toBeGreaterThan(5)
  return rows.slice(1)
}

/** Names written as an option: alone, or before a colon or comma within braces. */
function optionsIn(cells: readonly string[]): string[] {
  const code = cells.flatMap(cell => [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1] as string))
  return code.flatMap(text => {
    if (/^[a-z][a-zA-Z]+$/.test(text)) return [text]
    const [, inBraces] = /(?<!: )\{ ([^}]*?) ?\}/.exec(text) ?? []
    return (inBraces ?? '').split(', ').flatMap(part => /^[a-z][a-zA-Z]+(?=:|$)/.exec(part)?.[0] ?? [])
  })
}

const KNOWN = readOptionGroups(ROOT).flatMap(({ options }) => options.map(({ name }) => name))

test('names only options of the application that exist', () => {
  const wiring = ['optimization', 'wrapProcessor']
  const named = optionsIn(ours('Configuration'))
  expect(named.length).toBeGreaterThan(15)
  expect(named.filter(name => ![...KNOWN, ...wiring].includes(name))).toEqual([])
})

test('names only options of operators and windows that exist', () => {
  const known = new Set(readOperatorDocs(ROOT).options.flatMap(({ members }) => members.map(({ name }) => name)))
  const named = [...optionsIn(ours('Builder objects are options')), ...optionsIn(ours('Windows and serdes'))]
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter(name => !known.has(name) && !['endMs', 'key'].includes(name))).toEqual([])
})

test('calls only functions that millrace exports', () => {
  const called = ours('Windows and serdes').flatMap(cell =>
    [...cell.matchAll(/\b([a-z]\w+)\(/gi)].map(match => match[1])
  )
  expect(called.length).toBeGreaterThan(10)
  expect(called.filter(name => !((name as string) in millrace))).toEqual([])
})

test('links to chapters of docs/operators.md that it has', () => {
  const headings = [...read('docs/operators.md').matchAll(/^#+ (.*)$/gm)].map(match => anchor(match[1] as string))
  const links = [...page.matchAll(/\]\(operators\.md#([^)]*)\)/g)].map(match => match[1] as string)
  expect(links.length).toBeGreaterThan(0)
  expect(links.filter(link => !headings.includes(link))).toEqual([])
})
