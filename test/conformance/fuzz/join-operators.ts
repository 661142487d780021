import { type CaseDraft, type Flow, fn, union } from './flow.ts'
import { aggregationFor, joinerFor, keyFunctionFor } from './functions.ts'
import { grouped, windowFor } from './stream-operators.ts'

/** Combines two flows that share no topic; undefined when there is no operator for them. */
export function combined(draft: CaseDraft, left: Flow, right: Flow): Flow | undefined {
  if (left.windowed || right.windowed) return undefined
  if (left.kind === 'table' && right.kind === 'stream') return streamTable(draft, right, left)
  if (left.kind === 'table')
    return draft.choices.chance(40) ? foreignKey(draft, left, right) : tables(draft, left, right)
  if (right.kind === 'table') return streamTable(draft, left, right)
  const choice = draft.choices.between(0, 5)
  if (choice === 0) return merged(draft, left, right)
  if (choice === 1) return cogrouped(draft, left, right)
  return streams(draft, left, right)
}

/** A join with a global table, whose topic nothing else reads. */
export function globalJoin(draft: CaseDraft, left: Flow): Flow {
  const topic = draft.fresh('global')
  draft.inputs.add(topic)
  const id = draft.add({ op: 'globalTable', topic, ...draft.stored(60) })
  const right: Flow = { id, kind: 'table', shape: 'record', windowed: false, topics: new Set([topic]) }
  const [joiner, shape] = joinerFor(draft, left, right, true)
  const op = draft.choices.oneOf(['join', 'leftJoin'])
  const key = draft.choices.chance(50) ? fn('key') : keyFunctionFor(draft, left)
  return { ...left, id: draft.add({ op, from: [left.id, id], key, joiner, ...draft.named() }), shape }
}

function merged(draft: CaseDraft, left: Flow, right: Flow): Flow {
  const shape = left.shape === right.shape ? left.shape : 'any'
  const id = draft.add({ op: 'merge', from: [left.id, right.id], ...draft.named() })
  return { ...left, id, shape, topics: union(left, right), hidesOrigin: hides(left, right) }
}

function streams(draft: CaseDraft, left: Flow, right: Flow): Flow {
  const { choices, unitMs } = draft
  const [joiner, shape] = joinerFor(draft, left, right, true)
  const half = Math.floor(unitMs / 2)
  const window = {
    type: 'join',
    differenceMs: choices.oneOf([0, half, unitMs]),
    graceMs: choices.oneOf([0, half, unitMs, 3 * unitMs]),
    ...(choices.chance(25) ? { beforeMs: choices.oneOf([0, half, 2 * unitMs]) } : {}),
    ...(choices.chance(25) ? { afterMs: choices.oneOf([0, half, 2 * unitMs]) } : {})
  }
  const op = choices.oneOf(['join', 'leftJoin', 'outerJoin'])
  const { type: _type, ...spec } = window
  const node = { op, from: [left.id, right.id], joiner, window: spec as typeof window, ...draft.named() }
  const id = draft.add({ ...node, ...draft.stored(20) })
  return { ...left, id, shape, topics: union(left, right), hidesOrigin: hides(left, right) }
}

function streamTable(draft: CaseDraft, left: Flow, right: Flow): Flow {
  const { choices, unitMs } = draft
  const [joiner, shape] = joinerFor(draft, left, right, true)
  const op = choices.oneOf(['join', 'leftJoin'])
  // A left join with a grace fails on null keys in Kafka Streams.
  const grace =
    right.versioned && op === 'join' && choices.chance(50) ? { graceMs: choices.oneOf([1, 2]) * unitMs } : {}
  const id = draft.add({ op, from: [left.id, right.id], joiner, ...grace, ...draft.named() })
  const hidesOrigin = hides(left, right) || 'graceMs' in grace
  return { ...left, id, shape, topics: union(left, right), hidesOrigin }
}

function tables(draft: CaseDraft, left: Flow, right: Flow): Flow {
  const [joiner, shape] = joinerFor(draft, left, right, false)
  const op = draft.choices.oneOf(['join', 'leftJoin', 'outerJoin'])
  const id = draft.add({ op, from: [left.id, right.id], joiner, ...draft.stored(40), ...draft.named() })
  return { id, kind: 'table', shape, windowed: false, topics: union(left, right), hidesOrigin: hides(left, right) }
}

function foreignKey(draft: CaseDraft, left: Flow, right: Flow): Flow {
  const [joiner, shape] = joinerFor(draft, left, right, false)
  const op = draft.choices.oneOf(['join', 'leftJoin'])
  const key = left.shape === 'record' ? fn('field', 'g') : fn('value')
  const node = { op, from: [left.id, right.id], foreignKey: key, joiner, ...draft.stored(50), ...draft.named() }
  return {
    id: draft.add(node),
    kind: 'table',
    shape,
    windowed: false,
    topics: union(left, right),
    hidesOrigin: hides(left, right)
  }
}

function cogrouped(draft: CaseDraft, left: Flow, right: Flow): Flow {
  const { choices } = draft
  const first = aggregationFor(draft, left)
  // Both sides aggregate into the same thing.
  const second = first.shape === 'number' ? fn('sum', right.shape === 'record' ? 'n' : '') : fn('append', '')
  const started = first.shape === 'number' ? first.aggregator : fn('append', '')
  const one = draft.add({ op: 'cogroup', from: named(draft, grouped(draft, left)), aggregator: started })
  let from = draft.add({ op: 'cogroup', from: [one, named(draft, grouped(draft, right))], aggregator: second })
  const window = choices.chance(60) ? windowFor(draft) : undefined
  if (window !== undefined) from = draft.add({ op: 'windowedBy', from, window })
  const isNumber = first.shape === 'number'
  const merger = window?.type === 'session' ? { merger: isNumber ? fn('sum', '') : fn('concatLists') } : {}
  const id = draft.add({ op: 'aggregate', from, init: isNumber ? 0 : [], ...merger, ...draft.stored() })
  const closes = window !== undefined && window.type !== 'unlimited'
  const shape = isNumber ? 'number' : 'any'
  return {
    id,
    kind: 'table',
    shape,
    windowed: window !== undefined,
    topics: union(left, right),
    closes,
    hidesOrigin: hides(left, right)
  }
}

/** Unnamed repartitions of one cogroup would have the same name. */
function named(draft: CaseDraft, id: string): string {
  const at = draft.nodes.findIndex(node => node.id === id)
  draft.nodes[at] = { name: draft.fresh('group'), ...(draft.nodes[at] as (typeof draft.nodes)[number]) }
  return id
}

function hides(...flows: readonly Flow[]): boolean {
  return flows.some(({ hidesOrigin }) => hidesOrigin)
}
