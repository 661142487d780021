import type { StateIdentity } from './state-identity.ts'

/** State that would be taken for something else, or be left behind without anybody having said so. */
export interface TopologyChange {
  /**
   * - `mixed-up`: the name stands for something else by now.
   * - `left-behind`: a generated name got another number; under it, state begins empty.
   */
  readonly kind: 'mixed-up' | 'left-behind'
  readonly before: StateIdentity
  readonly now: StateIdentity
}

/**
 * Compares what is left of an earlier version of a topology with what a version is going to take it for.
 *
 * A name that was given is a promise of who gave it: below it, operators may come and go, as long as the layout stays and some
 * source is still the same. A generated name promises nothing: what feeds it must be the same, operator by operator.
 *
 * @param before - by topic, of those internal topics that hold something.
 * @param now - of the topology that is to run.
 * @param isNew - tells whether an internal topic of the topology is yet to be created.
 */
export function topologyChanges(
  before: ReadonlyMap<string, StateIdentity>,
  now: readonly StateIdentity[],
  isNew: (topic: string) => boolean
): TopologyChange[] {
  const changes: TopologyChange[] = []
  const topics = new Set(now.map(({ topic }) => topic))
  const missing = new Set(
    [...before.values()].filter(
      ({ topic, isGenerated, isAbandoned }) => isGenerated && isAbandoned !== true && !topics.has(topic)
    )
  )
  for (const identity of now) {
    const known = before.get(identity.topic)
    if (known !== undefined) {
      if (!isSame(known, identity)) changes.push({ kind: 'mixed-up', before: known, now: identity })
    } else if (identity.isGenerated && isNew(identity.topic)) {
      const moved = [...missing].find(candidate => isLike(candidate, identity))
      if (moved === undefined) continue
      missing.delete(moved)
      changes.push({ kind: 'left-behind', before: moved, now: identity })
    }
  }
  return changes
}

function isSame(before: StateIdentity, now: StateIdentity): boolean {
  if (!hasSameLayout(before, now)) return false
  if (now.isGenerated) return areEqual(before.sources, now.sources) && mayBeSameSteps(before.steps, now.steps)
  // Nobody knows here what topics a pattern stands for.
  const hasPattern = [...before.sources, ...now.sources].some(source => source.startsWith('/'))
  return hasPattern || before.sources.length === 0 || now.sources.some(source => before.sources.includes(source))
}

/** Of two generated names: what is between the sources and the store may have changed, or there would be no new number. */
function isLike(before: StateIdentity, now: StateIdentity): boolean {
  return (
    withoutNumber(before.name) === withoutNumber(now.name) &&
    hasSameLayout(before, now) &&
    areEqual(before.sources, now.sources)
  )
}

function hasSameLayout(a: StateIdentity, b: StateIdentity): boolean {
  return (
    a.kind === b.kind &&
    a.key === b.key &&
    a.value === b.value &&
    a.windowSizeMs === b.windowSizeMs &&
    a.retainDuplicates === b.retainDuplicates
  )
}

function areEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

/** Equal but for their order, where a name that was given may stand for any operator: it may have been given meanwhile. */
function mayBeSameSteps(before: readonly string[], now: readonly string[]): boolean {
  if (before.length !== now.length) return false
  const open = [...before]
  let unmatched = 0
  for (const step of now) {
    const index = open.indexOf(step)
    if (index >= 0) open.splice(index, 1)
    else if (!isGivenName(step)) unmatched++
  }
  return unmatched <= open.filter(isGivenName).length
}

function isGivenName(step: string): boolean {
  return step.startsWith("'")
}

function withoutNumber(name: string): string {
  return name.replace(/-\d{10}(?=-|$)/, '')
}

/** One or several lines for each change, in the words of a user. */
export function describeTopologyChanges(changes: readonly TopologyChange[]): string {
  return changes
    .map(({ kind, before, now }) => {
      const what = now.kind === 'repartition-topic' ? 'repartition topic' : 'store'
      const title =
        kind === 'mixed-up'
          ? `  ${what} '${now.name}' would be taken for something else:`
          : `  ${what} '${before.name}' would be left behind, and '${now.name}' begin empty in its place:`
      return `${title}\n    was ${describeIdentity(before)}\n    is  ${describeIdentity(now)}`
    })
    .join('\n')
}

function describeIdentity(identity: StateIdentity): string {
  const { kind, key, value, windowSizeMs, retainDuplicates, sources, steps } = identity
  const windows = windowSizeMs === undefined ? '' : `, windows of ${windowSizeMs} ms`
  const duplicates = retainDuplicates === true ? ', with duplicates' : ''
  const from = sources.length === 0 ? 'nothing' : sources.join(', ')
  return `${kind} <${key}, ${value}>${windows}${duplicates}, from ${from}: ${steps.join(' > ')}`
}
