import { expect, test } from 'vitest'
import { WriteBuffers } from './write-buffers.ts'

const MIB = 2 ** 20

test('shares what there is among the databases that are open', () => {
  const buffers = new WriteBuffers()
  const rows = Array.from({ length: 24 }, () =>
    [buffers.opening(0), ...[0, 60, 1000].map(tables => buffers.limitBytes(tables * MIB))].map(bytes =>
      Math.floor(bytes / MIB)
    )
  )
  // In a restore; empty, with 60 MiB of tables, with 1000.
  expect(rows.slice(0, 6)).toEqual([
    [8, 8, 8, 32],
    [8, 4, 6, 16],
    [8, 2, 6, 10],
    [8, 2, 6, 8],
    [6, 2, 6, 6],
    [5, 2, 5, 5]
  ])
  expect(rows.at(-1)).toEqual([2, 2, 2, 2])
  for (let i = 0; i < 23; i++) buffers.closed()
  expect(buffers.limitBytes(0)).toBe(8 * MIB)
})

test('gives more to those that are large when they are opened, as long as they are few', () => {
  const buffers = new WriteBuffers()
  const opened = [1000, 1000, 100, 1000, 1000].map(tables => Math.floor(buffers.opening(tables * MIB) / MIB))
  expect(opened).toEqual([32, 16, 10, 8, 6])
})

test('gives each what it was told to', () => {
  const buffers = new WriteBuffers(64 * 1024)
  expect([buffers.opening(0), buffers.opening(2 ** 40), buffers.limitBytes(2 ** 40)]).toEqual([65536, 65536, 65536])
})

test('flushes one after the other', async () => {
  const buffers = new WriteBuffers()
  const steps: string[] = []
  const ends: (() => void)[] = []
  const flush = (name: string) =>
    buffers.flushInTurn(async () => {
      steps.push(`begin ${name}`)
      await new Promise<void>(resolve => ends.push(resolve))
      steps.push(`end ${name}`)
    })
  const [a, b] = [flush('a'), flush('b')]
  await new Promise(resolve => setImmediate(resolve))
  expect(steps).toEqual(['begin a'])
  ends[0]?.()
  await a
  await new Promise(resolve => setImmediate(resolve))
  ends[1]?.()
  await b
  expect(steps).toEqual(['begin a', 'end a', 'begin b', 'end b'])
})
