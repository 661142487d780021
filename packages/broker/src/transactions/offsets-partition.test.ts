import { expect, test } from 'vitest'
import { offsetsPartitionOf } from './offsets-partition.ts'

test('finds the partition that Java finds', () => {
  // The last one's hash is the one integer that has no positive.
  const groups = { a: 47, 'my-group': 12, 'application-ü': 15, polygenelubricants: 0 }
  const found = Object.fromEntries(Object.keys(groups).map(id => [id, offsetsPartitionOf(id).partition]))
  expect(found).toEqual(groups)
})
