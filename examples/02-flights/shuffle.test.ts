import { expect, test } from 'vitest'
import { shuffle } from './shuffle.ts'

const items = Array.from({ length: 1000 }, (_, index) => index)

test('a seed gives the same order each time, another seed another one', () => {
  expect(shuffle(items, 1)).toEqual(shuffle(items, 1))
  expect(shuffle(items, 1)).not.toEqual(shuffle(items, 2))
  expect(shuffle(items, 0)).not.toEqual(items)
})

test('nothing is lost or doubled, and the original stays as it is', () => {
  const original = [...items]
  expect(shuffle(original, 7).sort((a, b) => a - b)).toEqual(items)
  expect(original).toEqual(items)
})

test('every item can come to every place', () => {
  const places = new Set(Array.from({ length: 200 }, (_, seed) => shuffle([0, 1, 2], seed).join('')))
  expect([...places].sort()).toEqual(['012', '021', '102', '120', '201', '210'])
})
