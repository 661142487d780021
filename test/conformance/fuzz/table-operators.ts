import { type CaseDraft, type Flow, fn, numberField } from './flow.ts'
import { keyFunctionFor, predicateFor, valueFunctionFor } from './functions.ts'

type TableOperator = (draft: CaseDraft, flow: Flow) => Flow

const filtered: TableOperator = (draft, flow) => {
  const op = draft.choices.oneOf(['filter', 'filterNot'])
  const predicate = predicateFor(draft, flow)
  return { ...flow, ...plain(draft, { op, from: flow.id, predicate }) }
}

const mapped: TableOperator = (draft, flow) => {
  const op = draft.choices.oneOf(['mapValues', 'mapValues', 'transformValues'])
  const [value, shape] = valueFunctionFor(draft, flow)
  return { ...flow, ...plain(draft, { op, from: flow.id, value }), shape }
}

/** A view in a store of its own has no history. */
function plain(draft: CaseDraft, node: Parameters<CaseDraft['add']>[0]): Pick<Flow, 'id'> & { versioned?: boolean } {
  const stored = draft.stored(30)
  const id = draft.add({ ...node, ...stored, ...draft.named() })
  return stored.store === undefined ? { id } : { id, versioned: false }
}

const toStream: TableOperator = (draft, flow) => {
  const stream = { ...flow, kind: 'stream', versioned: false, closes: false } as const
  const { choices } = draft
  if (flow.windowed && choices.chance(50)) {
    const key = fn(choices.oneOf(['windowedKeyToString', 'windowKey', 'windowStart']))
    return { ...stream, id: draft.add({ op: 'toStream', from: flow.id, key }), windowed: false }
  }
  return { ...stream, id: draft.add({ op: 'toStream', from: flow.id, ...draft.named() }) }
}

const suppressed: TableOperator = (draft, flow) => {
  const { choices, unitMs } = draft
  if (flow.versioned === true) return filtered(draft, flow)
  const from = flow.id
  if (flow.closes === true) {
    const id = draft.add({ op: 'suppress', from, until: 'windowCloses', ...draft.named() })
    return { ...flow, id, closes: false, hidesOrigin: true }
  }
  const buffer = choices.chance(50)
    ? {
        buffer: { maxRecords: choices.between(1, 3), whenFull: choices.chance(90) ? 'emitEarly' : 'shutDown' } as const
      }
    : {}
  const timeLimitMs = choices.oneOf([0, 1, 3]) * unitMs
  const id = draft.add({ op: 'suppress', from, until: 'timeLimit', timeLimitMs, ...buffer, ...draft.named() })
  return { ...flow, id, hidesOrigin: true }
}

const regrouped: TableOperator = (draft, flow) => {
  const { choices } = draft
  const name = choices.chance(50) ? { name: draft.fresh('group') } : {}
  const key = flow.windowed ? fn(choices.oneOf(['windowKey', 'windowStart'])) : keyFunctionFor(draft, flow)
  const from = draft.add({ op: 'groupBy', from: flow.id, key, value: fn('identity'), ...name })
  const options = { from, ...draft.stored(), ...draft.named() }
  const table = { ...flow, windowed: false, versioned: false, closes: false }
  const field = numberField(flow)
  const op = choices.oneOf(['count', 'reduce', 'aggregate'])
  if (op === 'count') return { ...table, id: draft.add({ op, ...options }), shape: 'number' }
  if (op === 'reduce' && flow.shape === 'number') {
    return { ...table, id: draft.add({ op, adder: fn('sum', ''), subtractor: fn('subtract', ''), ...options }) }
  }
  if (op === 'reduce' && flow.shape === 'record') {
    const functions = { adder: fn('sumField', 'n'), subtractor: fn('subtractField', 'n') }
    return { ...table, id: draft.add({ op, ...functions, ...options }) }
  }
  if (choices.chance(50)) {
    const functions = { init: [], adder: fn('append', field), subtractor: fn('removeFirst', field) }
    return { ...table, id: draft.add({ op: 'aggregate', ...functions, ...options }), shape: 'any' }
  }
  const functions = { init: 0, adder: fn('sum', field), subtractor: fn('subtract', field) }
  return { ...table, id: draft.add({ op: 'aggregate', ...functions, ...options }), shape: 'number' }
}

const OPERATORS: readonly TableOperator[] = [
  filtered,
  filtered,
  mapped,
  mapped,
  toStream,
  toStream,
  suppressed,
  regrouped
]

/** Puts a random operator behind a table. */
export function afterTable(draft: CaseDraft, flow: Flow): Flow {
  return draft.choices.oneOf(OPERATORS)(draft, flow)
}

export { toStream as streamOf }
