import { expect, test } from 'vitest'
import { ReusedList } from './reused-list.ts'

const contents = (list: ReusedList<number>) => Array.from({ length: list.length }, (_, i) => list.at(i))
const room = (list: ReusedList<number>) => list['items']

test('keeps its order, and its room when it is emptied', () => {
  const list = new ReusedList<number>()
  for (let i = 0; i < 100; i++) list.push(i)
  expect(contents(list)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  list.truncate(0)
  expect([contents(list), list.pop()]).toEqual([[], undefined])
  // And holds nothing there.
  expect(room(list)).toEqual(Array.from({ length: 100 }, () => undefined))
  list.push(7)
  expect(contents(list)).toEqual([7])
})

test('gives the last back first, and keeps what it is cut to', () => {
  const list = new ReusedList<number>()
  for (let i = 0; i < 5; i++) list.push(i)
  expect(list.pop()).toBe(4)
  list.truncate(9)
  list.truncate(2)
  expect(contents(list)).toEqual([0, 1])
  expect(room(list).filter(item => item !== undefined)).toEqual([0, 1])
})

test('does not keep the room of a large commit', () => {
  const list = new ReusedList<number>()
  for (let i = 0; i < 20_000; i++) list.push(i)
  list.truncate(10)
  expect(room(list)).toHaveLength(10)
})
