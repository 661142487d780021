import type { CaseNode, CaseProcessor, WindowSpec } from '../case-format.ts'
import { type CaseDraft, type Flow, fn, numberField } from './flow.ts'
import { aggregationFor, keyFunctionFor, predicateFor, reducerFor, valueFunctionFor } from './functions.ts'

type StreamOperator = (draft: CaseDraft, flow: Flow) => readonly Flow[]

/** A step that keeps the keys, or makes new ones only where that is allowed. */
const stateless: StreamOperator = (draft, flow) => {
  const { choices } = draft
  const from = flow.id
  const op = choices.oneOf(['filter', 'filterNot', 'mapValues', 'mapValues', 'flatMapValues', 'peek'])
  if (op === 'mapValues') {
    const [value, shape] = valueFunctionFor(draft, flow)
    return [{ ...flow, id: draft.add({ op, from, value, ...draft.named() }), shape }]
  }
  if (op === 'flatMapValues') {
    const [flat, shape] =
      flow.shape === 'record' && choices.chance(50)
        ? ([fn('range', 'n'), 'number'] as const)
        : ([fn('repeat', choices.between(0, 2)), flow.shape] as const)
    return [{ ...flow, id: draft.add({ op, from, flat, ...draft.named() }), shape }]
  }
  if (op === 'peek') return [{ ...flow, id: draft.add({ op, from, ...draft.named() }) }]
  return [{ ...flow, id: draft.add({ op, from, predicate: predicateFor(draft, flow), ...draft.named() }) }]
}

const rekeyed: StreamOperator = (draft, flow) => {
  const { choices } = draft
  const from = flow.id
  const key = keyFunctionFor(draft, flow)
  const op = choices.oneOf(['selectKey', 'map', 'flatMap', 'repartition'])
  if (op === 'repartition') return [{ ...flow, id: draft.add({ op, from, name: draft.fresh('part') }) }]
  if (op === 'selectKey') return [{ ...flow, id: draft.add({ op, from, key, ...draft.named() }) }]
  const [value, shape] = valueFunctionFor(draft, flow)
  if (op === 'map') return [{ ...flow, id: draft.add({ op, from, key, value, ...draft.named() }), shape }]
  const flat = fn('repeat', choices.between(0, 2))
  return [{ ...flow, id: draft.add({ op, from, flat, key, value, ...draft.named() }), shape }]
}

const split: StreamOperator = (draft, flow) => {
  const branches = ['one', 'two'].map(name => ({ name, predicate: predicateFor(draft, flow) }))
  const isTotal = draft.choices.chance(70)
  const id = draft.add({
    op: 'split',
    from: flow.id,
    branches,
    default: isTotal ? 'rest' : false,
    // Without a prefix the branches of two splits would have the same names.
    name: draft.fresh('split')
  })
  return ['one', 'two', ...(isTotal ? ['rest'] : [])].map(name => ({ ...flow, id: `${id}.${name}` }))
}

/** Through a topic of the user. */
const through: StreamOperator = (draft, flow) => {
  const topic = draft.fresh('mid')
  draft.end({ op: 'to', from: flow.id, topic })
  return [{ ...flow, id: draft.add({ op: 'stream', topic }) }]
}

const toTable: StreamOperator = (draft, flow) => {
  const isVersioned = draft.choices.chance(15)
  const history = isVersioned ? { historyMs: draft.choices.oneOf([5, 100]) * draft.unitMs } : {}
  const id = draft.add({ op: 'toTable', from: flow.id, ...draft.stored(isVersioned ? 100 : 60), ...history })
  return [{ ...flow, id, kind: 'table', versioned: isVersioned }]
}

export function grouped(draft: CaseDraft, flow: Flow): string {
  const { choices } = draft
  const name = choices.chance(60) ? { name: draft.fresh('group') } : {}
  if (choices.chance(50)) return draft.add({ op: 'groupByKey', from: flow.id, ...name })
  return draft.add({ op: 'groupBy', from: flow.id, key: keyFunctionFor(draft, flow), ...name })
}

export function windowFor({ choices, unitMs }: CaseDraft): WindowSpec {
  const half = Math.floor(unitMs / 2)
  const graceMs = choices.oneOf([0, half, unitMs, 5 * unitMs])
  switch (choices.between(0, 8)) {
    case 0:
    case 1:
      return { type: 'tumbling', sizeMs: choices.oneOf([unitMs, 3 * unitMs]), graceMs }
    case 2:
    case 3:
      return { type: 'hopping', sizeMs: 2 * unitMs, advanceMs: choices.oneOf([half, unitMs, unitMs + half]), graceMs }
    case 4:
    case 5:
      return { type: 'sliding', differenceMs: choices.oneOf([half, unitMs]), graceMs }
    case 6:
    case 7:
      return { type: 'session', gapMs: choices.oneOf([half, unitMs]), graceMs }
    default:
      return { type: 'unlimited', startMs: choices.oneOf([0, unitMs]) }
  }
}

/** Count, reduce or aggregate what is grouped, windowed or not. */
export function aggregated(draft: CaseDraft, flow: Flow, from: string, window: WindowSpec | undefined): Flow {
  const { choices } = draft
  const keeps =
    window !== undefined && window.type !== 'unlimited' && choices.chance(15) ? { retentionMs: 20 * draft.unitMs } : {}
  const isVersioned = window === undefined && choices.chance(8)
  const history = isVersioned ? { historyMs: choices.oneOf([5, 100]) * draft.unitMs } : {}
  const options = { ...draft.stored(isVersioned ? 100 : 70), ...draft.named(), ...keeps, ...history }
  const table = { ...flow, kind: 'table', windowed: window !== undefined, versioned: isVersioned } as const
  const op = choices.oneOf(isVersioned ? ['reduce', 'aggregate'] : ['count', 'reduce', 'aggregate'])
  if (op === 'count') return { ...table, id: draft.add({ op, from, ...options }), shape: 'number' }
  if (op === 'reduce') return { ...table, id: draft.add({ op, from, reducer: reducerFor(draft, flow), ...options }) }
  const { init, aggregator, merger, shape } = aggregationFor(draft, flow)
  const merging = window?.type === 'session' ? { merger } : {}
  return { ...table, id: draft.add({ op, from, init, aggregator, ...merging, ...options }), shape }
}

const aggregation: StreamOperator = (draft, flow) => [aggregated(draft, flow, grouped(draft, flow), undefined)]

const windowedAggregation: StreamOperator = (draft, flow) => {
  const { choices } = draft
  const window = windowFor(draft)
  let from = draft.add({ op: 'windowedBy', from: grouped(draft, flow), window })
  const mayClose = window.type !== 'unlimited'
  if (mayClose && choices.chance(30) && emitsAlike(window, draft)) {
    from = draft.add({ op: 'emitStrategy', from, strategy: 'onWindowClose' })
    return [aggregated(draft, flow, from, window)]
  }
  return [{ ...aggregated(draft, flow, from, window), closes: mayClose }]
}

/** Kafka Streams loses sessions that close after their segment, at least a minute long, has expired; see docs/differences.md. */
function emitsAlike(window: WindowSpec, { unitMs }: CaseDraft): boolean {
  return window.type !== 'session' || unitMs <= 100
}

const processed: StreamOperator = (draft, flow) => {
  const { choices, unitMs } = draft
  const store = draft.fresh('own')
  const field = numberField(flow)
  const punctuation = choices.oneOf(['streamTime', 'wallClock'])
  const processors: [CaseProcessor, Partial<CaseNode> | undefined][] = [
    [{ type: 'dedupe', store }, { type: 'keyValue' }],
    [{ type: 'runningTotal', store, field }, { type: 'keyValue' }],
    [{ type: 'latest', store }, { type: 'timestampedKeyValue' }],
    [
      { type: 'windowCount', store, lookbackMs: choices.oneOf([1, 3]) * unitMs },
      { type: 'window', retentionMs: choices.oneOf([3, 50]) * unitMs, windowMs: unitMs }
    ],
    [
      { type: 'sessionTotal', store, field, gapMs: unitMs },
      { type: 'session', retentionMs: choices.oneOf([3, 50]) * unitMs }
    ],
    [
      { type: 'asOf', store, lagMs: choices.oneOf([0, 2]) * unitMs },
      { type: 'versioned', historyMs: 20 * unitMs }
    ],
    [{ type: 'shift', deltaMs: unitMs, header: ['s', 't'] }, undefined],
    [{ type: 'multiply', copies: choices.between(0, 3), spacingMs: choices.oneOf([0, unitMs]) }, undefined],
    [{ type: 'clock' }, undefined],
    [
      { type: 'batch', store, punctuation, intervalMs: choices.oneOf([1, 3]) * unitMs, clear: choices.chance(50) },
      { type: 'keyValue' }
    ],
    [{ type: 'ticker', punctuation, intervalMs: 2 * unitMs, limit: choices.oneOf([3, 100]) }, undefined]
  ]
  // Tickers are not restarted, so there are few.
  const usual = processors.filter(([{ type }]) => type !== 'ticker' || choices.chance(10))
  const [processor, declared] = choices.oneOf(
    flow.hidesOrigin === true ? usual.filter(([{ type }]) => type !== 'clock') : usual
  )
  if (declared !== undefined) draft.end({ op: 'store', store, ...declared })
  const mayChangeKey = ['batch', 'ticker'].includes(processor.type)
  const op = mayChangeKey || choices.chance(50) ? 'process' : 'processValues'
  const stores = declared === undefined ? {} : { stores: [store] }
  const shape = ['dedupe', 'shift'].includes(processor.type) ? flow.shape : 'any'
  return [{ ...flow, id: draft.add({ op, from: flow.id, processor, ...stores, ...draft.named() }), shape }]
}

/** Forwards to the child that a field names. */
const routed: StreamOperator = (draft, flow) => {
  // Names of children are values of the field, and may be given once only.
  if (flow.shape !== 'record' || draft.nodes.some(({ processor }) => processor?.type === 'route')) return [flow]
  const from = draft.add({ op: 'process', from: flow.id, processor: { type: 'route', field: 'g' } })
  return ['x', 'y', 'z'].map(name => {
    return { ...flow, id: draft.add({ op: 'mapValues', from, value: fn('withKey', name), name }) }
  })
}

const OPERATORS: readonly StreamOperator[] = [
  stateless,
  stateless,
  stateless,
  rekeyed,
  rekeyed,
  split,
  through,
  toTable,
  aggregation,
  aggregation,
  windowedAggregation,
  windowedAggregation,
  windowedAggregation,
  windowedAggregation,
  processed,
  processed,
  processed,
  routed
]

/** Puts a random operator behind a stream. */
export function afterStream(draft: CaseDraft, flow: Flow): readonly Flow[] {
  if (!flow.windowed) return draft.choices.oneOf(OPERATORS)(draft, flow)
  if (draft.choices.chance(50)) return stateless(draft, flow)
  const key = fn(draft.choices.oneOf(['windowedKeyToString', 'windowKey', 'windowStart']))
  return [{ ...flow, id: draft.add({ op: 'selectKey', from: flow.id, key }), windowed: false }]
}
