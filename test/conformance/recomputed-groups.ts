import type { CaseNode, FnSpec, Json } from './case-format.ts'
import { combineFunction, keyFunction, keyText, render, valueFunction } from './case-functions.ts'

/** Subtractors that undo their adder, whatever came between. Not so `sumDropZero`, which forgets a group whose sum is 0. */
const UNDOES: Readonly<Record<string, string>> = {
  sum: 'subtract',
  increment: 'decrement',
  sumField: 'subtractField',
  append: 'removeFirst'
}

/**
 * Whether an aggregate of a table grouped by `grouped` tells nothing of the order and number of updates. A reduction takes the
 * first row as it is, so that only numbers do not tell which one that was.
 */
export function isInvertible({ op, adder, subtractor }: CaseNode, grouped: CaseNode): boolean {
  if (op === 'count') return true
  if (adder === undefined || UNDOES[adder.fn] !== subtractor?.fn) return false
  return op === 'aggregate' || (adder.fn === 'sum' && grouped.value?.fn === 'pick')
}

/**
 * Aggregates the rows of a table by group, from nothing. Undefined for a sum that begins with something else than a number,
 * since that is taken as it is.
 *
 * @param node - aggregates a table grouped by `grouped`.
 * @param rows - by the text of their keys.
 */
export function recomputedGroups(
  node: CaseNode,
  grouped: CaseNode,
  rows: ReadonlyMap<string, { readonly value: Json }>
): ReadonlyMap<string, Json> | undefined {
  const keyOf = keyFunction(grouped.key as FnSpec)
  const valueOf = valueFunction(grouped.value as FnSpec)
  const add = combineFunction(node.op === 'count' ? { fn: 'increment' } : (node.adder as FnSpec))
  const groups = new Map<string, Json>()
  for (const [text, { value }] of rows) {
    if (value === null) continue
    const key = keyOfText(text)
    const group = keyOf(key, value)
    const part = valueOf(value, key)
    if (group === null || part === null) continue
    const name = keyText(group)
    const before = groups.get(name)
    if (node.op === 'reduce' && !Number.isInteger(part)) return undefined
    if (before === undefined && node.op === 'reduce') groups.set(name, part)
    else groups.set(name, add(group, before ?? (node.op === 'count' ? 0 : (node.init ?? null)), part))
  }
  return groups
}

/** Equal, or lists of the same elements. */
export function isSameAggregate(expected: Json | undefined, got: Json | undefined): boolean {
  if (!Array.isArray(expected) || !Array.isArray(got)) return render(expected) === render(got)
  const [a, b] = [expected, got].map(list => list.map(element => render(element as Json)).sort())
  return render(a) === render(b)
}

/** Whether an aggregate is what remains when all rows have left. */
export function isOfNoRows(node: CaseNode, aggregate: Json | undefined): boolean {
  if (aggregate === undefined) return true
  if (node.op === 'aggregate' && node.adder?.fn === 'sumField') return true
  return render(aggregate) === render(node.op === 'aggregate' ? node.init : 0)
}

function keyOfText(text: string): unknown {
  const [, key, start, end] = /^(.*)@(\d+)-(\d+|max)$/.exec(text) ?? []
  if (key === undefined) return text
  return { key, startMs: Number(start), endMs: end === 'max' ? Number.MAX_SAFE_INTEGER : Number(end) }
}
