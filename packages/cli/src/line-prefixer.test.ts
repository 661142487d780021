import { expect, test } from 'vitest'
import { LinePrefixer } from './line-prefixer.ts'

test('keeps lines whole across chunks, also where a chunk ends inside a character', () => {
  const written: string[] = []
  const lines = new LinePrefixer('[1] ', text => written.push(text))
  const bytes = Buffer.from('one\ntwö\nthree')
  lines.add(bytes.subarray(0, 7))
  expect(written).toEqual(['[1] one\n'])
  lines.add(bytes.subarray(7))
  expect(written).toEqual(['[1] one\n', '[1] twö\n'])
  lines.end()
  expect(written).toEqual(['[1] one\n', '[1] twö\n', '[1] three\n'])
})

test('adds nothing at the end when the last line was whole', () => {
  const written: string[] = []
  const lines = new LinePrefixer('> ', text => written.push(text))
  lines.add(Buffer.from('a\n\nb\n'))
  lines.end()
  expect(written.join('')).toBe('> a\n> \n> b\n')
})
