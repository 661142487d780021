import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { casesOf } from './case-files.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-case-files-'))
afterAll(() => rmSync(dir, { recursive: true }))

const good = { id: 'a', area: 'b', nodes: [], steps: [], expect: { outputs: [] } }

test('reads one case, a list of them, and folders in order', () => {
  const folder = join(dir, 'cases')
  mkdirSync(folder)
  writeFileSync(join(folder, '2.json'), JSON.stringify({ ...good, id: 'one' }))
  writeFileSync(join(folder, '1.json'), JSON.stringify([good, { ...good, id: 'two' }]))
  writeFileSync(join(folder, 'README.md'), 'no cases')
  expect(casesOf([folder]).map(({ id }) => id)).toEqual(['a', 'two', 'one'])
})

test.each([
  ['text', '[{"id":', 'cannot be read'],
  ['a number', '3', 'case 1 is no object'],
  ['no cases', '[]', 'holds no cases'],
  ['another object', '{"a":1}', 'case 1 has no id and area'],
  ['a case without nodes', '{"id":"x","area":"y"}', "case 1, 'x', has no lists of nodes and steps"],
  ['a question', JSON.stringify([good, { ...good, expect: undefined }]), "case 2, 'a', does not tell what is expected"]
])('refuses a file with %s by its name', (_what, text, message) => {
  const file = join(dir, 'bad.json')
  writeFileSync(file, text)
  expect(() => casesOf([file])).toThrow(file)
  expect(() => casesOf([file])).toThrow(message)
})

test('refuses a path that does not exist, and a folder without cases', () => {
  expect(() => casesOf([join(dir, 'nowhere')])).toThrow(`${join(dir, 'nowhere')} does not exist`)
  mkdirSync(join(dir, 'empty'))
  expect(() => casesOf([join(dir, 'empty')])).toThrow(`${join(dir, 'empty')} has no .json files`)
})
