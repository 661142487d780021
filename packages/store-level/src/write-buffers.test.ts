import { expect, test } from 'vitest'
import { WriteBuffers } from './write-buffers.ts'

const MIB = 2 ** 20

test('shares what there is among the databases that are open', () => {
  const buffers = new WriteBuffers()
  const opened: number[] = []
  const limits: number[] = []
  for (let i = 0; i < 24; i++) {
    opened.push(buffers.opening() / MIB)
    limits.push(buffers.limitBytes / MIB)
  }
  expect(opened.map(Math.floor)).toEqual([8, 8, 8, 8, 6, 5, 4, 4, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
  expect(limits.map(Math.floor)).toEqual([8, 4, ...Array.from({ length: 22 }, () => 2)])
  for (let i = 0; i < 23; i++) buffers.closed()
  expect(buffers.limitBytes).toBe(8 * MIB)
})

test('gives each what it was told to', () => {
  const buffers = new WriteBuffers(64 * 1024)
  expect([buffers.opening(), buffers.opening(), buffers.limitBytes]).toEqual([65536, 65536, 65536])
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
