import type { CaseNode, Json, PipeStep, Step } from '../case-format.ts'
import type { CaseDraft } from './flow.ts'

const KEYS = ['a', 'b', 'c', 'd']
const GROUPS = ['x', 'y', 'z']

export interface InputTraits {
  /** Some values are bytes that no value has. */
  readonly hasBrokenValues: boolean
}

/** Records in roughly rising order of time, with stragglers, jumps, nulls and headers; and, where it matters, the wall clock's advances. */
export function inputSteps(draft: CaseDraft, { hasBrokenValues }: InputTraits): Step[] {
  const { choices, unitMs, nodes } = draft
  const topics = [...draft.inputs]
  const keys = KEYS.slice(0, choices.between(1, KEYS.length))
  const usesWallClock = nodes.some(({ processor }) => processor?.punctuation === 'wallClock')
  const keysOf = (topic: string) => (isLookedUp(nodes, topic) && choices.chance(70) ? GROUPS : keys)
  const steps: Step[] = []
  const count = choices.between(8, 60)
  let nowMs = choices.between(0, 2 * unitMs)
  while (steps.length < count) {
    if (usesWallClock && choices.chance(20)) {
      steps.push({ advanceWallClockMs: choices.oneOf([Math.floor(unitMs / 3), unitMs, 4 * unitMs]) })
      continue
    }
    if (choices.chance(70)) nowMs += choices.between(0, Math.floor(unitMs / 2))
    if (choices.chance(5)) nowMs += choices.oneOf([1, 4, 30]) * unitMs
    const ts = choices.chance(30) ? Math.max(0, nowMs - choices.between(0, 4 * unitMs)) : nowMs
    const topic = choices.oneOf(topics)
    const pipe: PipeStep = {
      topic,
      key: choices.chance(4) ? null : choices.oneOf(keysOf(topic)),
      ts,
      ...(choices.chance(10) ? { headers: [['h', String(steps.length)]] } : {})
    }
    if (hasBrokenValues && choices.chance(8)) steps.push({ pipe: { ...pipe, rawValue: choices.oneOf(['', 'eyJu']) } })
    else steps.push({ pipe: { ...pipe, value: choices.chance(14) ? null : valueOf(draft, ts) } })
  }
  return steps
}

function valueOf({ choices, unitMs }: CaseDraft, ts: number): Json {
  return {
    n: choices.between(-3, 12),
    ...(choices.chance(85) ? { g: choices.oneOf(GROUPS) } : {}),
    // Read by timestamp extractors only.
    ...(choices.chance(80) ? { t: choices.chance(5) ? -1 : ts + choices.between(0, unitMs) } : {})
  }
}

/** Tables in which other values than keys are looked up. */
function isLookedUp(nodes: readonly CaseNode[], topic: string): boolean {
  return nodes.some(({ op, topic: read }) => read === topic && (op === 'globalTable' || op === 'table'))
}
