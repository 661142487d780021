import { expect, test } from 'vitest'
import type { ProcessorContext } from '../../core/index.ts'
import { JoinTime } from './join-time.ts'
import type { UnmatchedStore } from './unmatched-rows.ts'

/** Committed metadata that says nothing, or what a run before left. */
function contextOf(committed: Record<string, number> = {}): ProcessorContext<unknown, unknown> {
  const nodeState = (name: string, initial: number) => ({ value: committed[name] ?? initial })
  return { nodeState } as unknown as ProcessorContext<unknown, unknown>
}

function waitingSince(timestampMs: number | undefined): UnmatchedStore<unknown> {
  const first = () => (timestampMs === undefined ? undefined : { key: { timestampMs } })
  return { first } as unknown as UnmatchedStore<unknown>
}

test('looks for rows that wait when the committed metadata tells of none', () => {
  const time = new JoinTime(contextOf())
  time.settle(waitingSince(7))
  expect([time.hasWaiting, time.minMs]).toEqual([true, 7])
})

test('looks once, and not when the metadata tells since when rows wait', () => {
  const told = new JoinTime(contextOf({ 'min-time': 9 }))
  told.settle(waitingSince(7))
  expect(told.minMs).toBe(9)

  const looked = new JoinTime(contextOf())
  looked.settle(waitingSince(undefined))
  looked.settle(waitingSince(7))
  expect(looked.hasWaiting).toBe(false)
})
