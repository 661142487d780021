import { expect, test } from 'vitest'
import { JavaTreeSet } from './java-tree-set.ts'

test('keeps its items in order, each once', () => {
  const set = new JavaTreeSet<number>((a, b) => a - b)
  const numbers = Array.from({ length: 200 }, (_, i) => (i * 67) % 101)
  for (const number of numbers) set.add(number)
  expect([...set]).toEqual([...new Set(numbers)].sort((a, b) => a - b))
})

test('places what changes its order meanwhile where Java does', () => {
  // Printed by Java 17: a TreeSet filled while the sizes by which it compares grow.
  const observed =
    '37 1 17 5 34 0 7 14 11 27 2 9 16 4 18 6 13 20 15 22 3 8 10 21 28 35 23 30 33 38 19 26 31 25 32 39 24 12 29 36'
  const sizes = Array.from({ length: 40 }, () => 1)
  const sizeOf = (item: number) => sizes[item] as number
  const set = new JavaTreeSet<number>((a, b) => sizeOf(b) - sizeOf(a) || a - b)
  for (let i = 0; i < 40; i++) {
    const item = (i * 7) % 40
    set.add(item)
    sizes[(i * 11) % 40] = sizeOf((i * 11) % 40) + (i % 4)
    sizes[item] = sizeOf(item) + (i % 3)
  }
  expect([...set]).toEqual(observed.split(' ').map(Number))
})
