import { isDeepStrictEqual } from 'node:util'
import type { Json, Output } from './case-format.ts'

type Row = Readonly<Record<string, Json>>

/** How many records are shown from the first one that differs. */
const OUTPUTS = 4
/** How many lines of a description are shown around the first one that differs. */
const LINES_BEFORE = 2
const LINES = 8

/** From the first record that is not as expected. */
export function outputDifferences(expected: readonly Output[], got: readonly Output[]): string[] {
  if (isDeepStrictEqual(expected, got)) return []
  const at = expected.findIndex((output, index) => !isDeepStrictEqual(output, got[index]))
  const first = at < 0 ? expected.length : at
  const step = Math.min(expected[first]?.step ?? Infinity, got[first]?.step ?? Infinity)
  const shown = (outputs: readonly Output[]) => lines(outputs.slice(first, first + OUTPUTS))
  return [
    `outputs: ${expected.length} expected, ${got.length} got; from number ${first} on, of step ${step}, ` +
      bothSides(shown(expected), shown(got))
  ]
}

/** The rows that only one side has; undefined: there is no such store. */
export function storeDifferences(name: string, expected: readonly Row[] | undefined, got: readonly Row[] | undefined) {
  if (isDeepStrictEqual(expected, got)) return []
  const without = (rows: readonly Row[] | undefined, others: readonly Row[] | undefined) =>
    rows === undefined
      ? 'no such store'
      : lines(rows.filter(row => !others?.some(other => isDeepStrictEqual(row, other))))
  const onlyExpected = without(expected, got)
  const onlyGot = without(got, expected)
  if (onlyExpected !== onlyGot) return [`store ${name}, after the last step: ${bothSides(onlyExpected, onlyGot)}`]
  return [`store ${name}, in another order: ${bothSides(lines(expected ?? []), lines(got ?? []))}`]
}

/** Around the first line that differs. */
export function describeDifferences(expected: string | null, got: string | null): string[] {
  if (expected === got) return []
  const expectedLines = expected?.split('\n') ?? ['no description: building fails']
  const gotLines = got?.split('\n') ?? ['no description: building failed']
  const first = expectedLines.findIndex((line, index) => line !== gotLines[index])
  const start = Math.max(0, (first < 0 ? expectedLines.length : first) - LINES_BEFORE)
  const shown = (all: readonly string[]) => all.slice(start, start + LINES).join('\n  ') || NOTHING
  return [`describe, from line ${start + 1}: ${bothSides(shown(expectedLines), shown(gotLines))}`]
}

const NOTHING = 'nothing'

function bothSides(expected: string, got: string): string {
  return `expected\n  ${expected}\ngot\n  ${got}`
}

function lines(rows: readonly unknown[]): string {
  return rows.length === 0 ? NOTHING : rows.map(row => JSON.stringify(row)).join('\n  ')
}
