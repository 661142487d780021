import type { ConformanceCase } from '../case-format.ts'
import { Choices } from './choices.ts'
import { CaseDraft, type Flow, fn, sharesTopics } from './flow.ts'
import { predicateFor } from './functions.ts'
import { inputSteps } from './input-steps.ts'
import { combined, globalJoin } from './join-operators.ts'
import { afterStream } from './stream-operators.ts'
import { afterTable, streamOf } from './table-operators.ts'

/** A case of which nothing is known yet but the question. */
export type OpenCase = Omit<ConformanceCase, 'expect'>

/**
 * A random topology and what is sent to it: some sources, and random operators behind whatever there is, until all ends go to
 * topics of their own. The same seed and number give the same case.
 */
export function randomCase(seed: number, number: number): OpenCase {
  const choices = new Choices(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b))
  const draft = new CaseDraft(choices, choices.oneOf([10, 50, 100, 100, 2_000, 40_000, 100_000]))
  const flows = Array.from({ length: choices.between(1, 3) }, () => source(draft))
  for (let left = choices.between(1, 5) + flows.length; left > 0; left--) grow(draft, flows)
  const failing = choices.chance(6)
  for (const flow of flows) finish(draft, flow, failing)

  const hasBrokenValues = choices.chance(6)
  return {
    id: `random-${seed}-${number}`,
    area: areaOf(draft),
    title: `random topology of ${draft.nodes.length} nodes`,
    config: {
      ...(hasBrokenValues && choices.chance(80) ? { deserialization: 'continue' } : {}),
      ...(failing && choices.chance(80) ? { processing: 'continue' } : {}),
      ...(choices.chance(30) && mayOptimize(draft) ? { optimization: 'all' } : {})
    },
    ...(choices.chance(30) ? { wallClockStartMs: choices.between(0, 1_000) } : {}),
    versionedAsOf: [draft.unitMs, 5 * draft.unitMs],
    nodes: draft.nodes,
    steps: inputSteps(draft, { hasBrokenValues })
  }
}

function source(draft: CaseDraft): Flow {
  const { choices, unitMs } = draft
  const topic = draft.fresh('in')
  const extractor = choices.chance(12) ? { timestampField: 't' } : {}
  const flow = { shape: 'record', windowed: false } as const
  if (choices.chance(40)) {
    draft.inputs.add(topic)
    const isVersioned = choices.chance(20)
    const history = isVersioned ? { historyMs: choices.oneOf([5, 100]) * unitMs } : {}
    const id = draft.add({ op: 'table', topic, ...draft.stored(isVersioned ? 100 : 60), ...history, ...extractor })
    return { ...flow, id, kind: 'table', topics: new Set([topic]), versioned: isVersioned }
  }
  const topics = choices.chance(15) ? [`${topic}-a`, `${topic}-b`] : [topic]
  for (const name of topics) draft.inputs.add(name)
  const isPattern = topics.length > 1 && choices.chance(50)
  const named = topics.length === 1 ? { topic } : isPattern ? { topicPattern: `${topic}-.*` } : { topics }
  // The partition time, to which extractors fall back, is one for all topics of a pattern in Kafka Streams' test driver.
  const id = draft.add({ op: 'stream', ...named, ...(isPattern ? {} : extractor), ...draft.named() })
  return { ...flow, id, kind: 'stream', topics: new Set(topics), hidesOrigin: isPattern }
}

/** One more operator behind one or two of the flows. */
function grow(draft: CaseDraft, flows: Flow[]): void {
  const { choices } = draft
  const at = choices.between(0, flows.length - 1)
  const flow = flows[at] as Flow
  const others = flows.filter(other => other !== flow && !sharesTopics(flow, other))
  if (others.length > 0 && choices.chance(50)) {
    const other = choices.oneOf(others)
    const result = combined(draft, flow, other)
    if (result !== undefined) {
      replace(draft, flows, [flow, other], [result])
      return
    }
  }
  if (flow.kind === 'stream' && !flow.windowed && choices.chance(6)) {
    replace(draft, flows, [flow], [globalJoin(draft, flow)])
    return
  }
  replace(draft, flows, [flow], flow.kind === 'stream' ? afterStream(draft, flow) : [afterTable(draft, flow)])
}

/** What was continued may have a second successor. */
function replace(draft: CaseDraft, flows: Flow[], from: readonly Flow[], to: readonly Flow[]): void {
  for (const flow of from) {
    if (!draft.choices.chance(12)) flows.splice(flows.indexOf(flow), 1)
  }
  for (const flow of to) if (!flows.some(({ id }) => id === flow.id)) flows.push(flow)
}

/** To a topic of its own: the order of records of different flows in one topic is not defined. */
function finish(draft: CaseDraft, flow: Flow, failing: boolean): void {
  let stream = flow.kind === 'table' ? streamOf(draft, flow) : flow
  if (failing) {
    const value = fn('failIf', predicateFor(draft, stream) as never)
    stream = { ...stream, id: draft.add({ op: 'mapValues', from: stream.id, value }) }
  }
  const from = stream.id
  if (draft.choices.chance(8) && !stream.windowed) {
    draft.end({ op: 'to', from, topicFrom: fn('const', draft.fresh('dynamic')) })
  } else draft.end({ op: 'to', from, topic: draft.fresh('out') })
}

/** Kafka Streams moves repartitions above joins with global tables and above processors; see docs/differences.md. */
function mayOptimize({ nodes }: CaseDraft): boolean {
  return !nodes.some(({ op }) => ['globalTable', 'process', 'processValues'].includes(op))
}

/** By the operator that decides most. */
function areaOf({ nodes }: CaseDraft): string {
  const ops = new Set(nodes.map(({ op }) => op))
  const first = ['outerJoin', 'leftJoin', 'join', 'cogroup', 'emitStrategy', 'suppress', 'windowedBy', 'process']
  const rest = ['processValues', 'aggregate', 'reduce', 'count', 'toTable', 'table', 'split']
  return `random ${[...first, ...rest].find(op => ops.has(op)) ?? 'stateless'}`
}
