import { isStreamsError, type Serde, type SerdeUse } from '../core/index.ts'
import type { Clock, Logger } from '../ports/index.ts'
import { changelogTopicName, resolveTopicName, type SubTopology } from '../topology/index.ts'

const BACKOFF_MS = 100
const MAX_BACKOFF_MS = 5_000
const CANCELLED_CHECK_MS = 100

/** What is needed of a sub-topology. */
type SerdeUsers = Pick<SubTopology, 'nodes' | 'stores'>

/**
 * Gives the serdes of sources, sinks and stores the time to ask whom they have to ask, before the first record. Topics whose names
 * are computed for each record are not known here.
 *
 * @param inputTopics - resolved names; needed for sources that read a pattern.
 */
export async function prepareSerdes(
  { nodes, stores }: SerdeUsers,
  applicationId: string,
  inputTopics: readonly string[]
): Promise<void> {
  const prepare = async (key: Serde<unknown>, value: Serde<unknown>, topic: string, use: SerdeUse) => {
    await key.prepare?.({ topic, isKey: true }, use)
    await value.prepare?.({ topic, isKey: false }, use)
  }
  for (const node of nodes) {
    if (node.kind === 'sink' && typeof node.topic === 'string') {
      await prepare(node.key, node.value, resolveTopicName(node.topic, applicationId), 'write')
    }
    if (node.kind !== 'source') continue
    const { topics } = node
    const read =
      topics instanceof RegExp
        ? inputTopics.filter(topic => topics.test(topic))
        : topics.map(name => resolveTopicName(name, applicationId))
    for (const topic of read) await prepare(node.key, node.value, topic, 'read')
  }
  for (const { name, key, value } of stores) {
    await prepare(key, value, changelogTopicName(name, applicationId), 'read-write')
  }
}

export interface PatienceOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Who waits, in the log. */
  readonly who: string
  readonly isCancelled: () => boolean
}

/** Repeats `prepare` while whom the serdes ask is away: others go on meanwhile. Gives up, by the last error, once it is cancelled. */
export async function preparePatiently(
  prepare: () => Promise<void>,
  { clock, logger, who, isCancelled }: PatienceOptions
): Promise<void> {
  for (let delayMs = BACKOFF_MS; ; delayMs = Math.min(2 * delayMs, MAX_BACKOFF_MS)) {
    try {
      await prepare()
      return
    } catch (error) {
      if (isCancelled() || !isStreamsError(error) || error.action !== 'retry') throw error
      logger.warn(`${who} waits: ${error.message}`)
      await new Promise<void>(resolve => void clock.setTimer(delayMs, resolve))
    }
  }
}

/** A task on its way; see `TaskOpening`. */
interface Cancellable {
  readonly taskId: string
  readonly cancelled: boolean
  end(): void
}

/** As `preparePatiently`, for tasks on their way. What is cancelled ends at once; when nothing else is left nothing is waited for. */
export async function prepareUnlessCancelled(
  openings: readonly Cancellable[],
  prepare: () => Promise<void>,
  { clock, logger }: Pick<PatienceOptions, 'clock' | 'logger'>
): Promise<void> {
  const isCancelled = () => openings.every(({ cancelled }) => cancelled)
  const who = `${openings.length === 1 ? 'task' : 'tasks'} ${openings.map(({ taskId }) => taskId).join(', ')}`
  let settled = false
  const prepared = preparePatiently(prepare, { clock, logger, who, isCancelled }).finally(() => {
    settled = true
  })
  // Thrown below, unless nobody waits for it any more.
  prepared.catch(() => {})
  while (!settled && !isCancelled()) {
    for (const opening of openings) if (opening.cancelled) opening.end()
    let cancelTimer = () => {}
    const tick = new Promise<void>(resolve => {
      cancelTimer = clock.setTimer(CANCELLED_CHECK_MS, resolve)
    })
    await Promise.race([prepared, tick]).finally(() => cancelTimer())
  }
  if (!isCancelled()) await prepared
}
