import { StreamsError } from '@millrace/streams/core'

/**
 * Where a producer stands.
 *
 * - `initialising`: waits for its producer id.
 * - `ready`: takes and sends records; with a transactional id the transaction begins by itself.
 * - `ending`: `commit` was called; the transaction's content is fixed. It stays so when the group refused the offsets.
 * - `committing`, `aborting`: the end of the transaction was asked for.
 * - `abortable`: failed; `abort` or `reset` make it sound again.
 * - `broken`: failed; only `reset` helps (fenced, or nobody knows whether the commit was carried out).
 */
export type ProducerState =
  | 'initialising'
  | 'ready'
  | 'ending'
  | 'committing'
  | 'aborting'
  | 'abortable'
  | 'broken'
  | 'closed'

const TRANSITIONS: { readonly [from in ProducerState]: readonly ProducerState[] } = {
  initialising: ['ready', 'broken', 'closed'],
  ready: ['ending', 'aborting', 'abortable', 'broken', 'initialising', 'closed'],
  ending: ['ready', 'committing', 'aborting', 'abortable', 'broken', 'initialising', 'closed'],
  committing: ['ready', 'abortable', 'broken', 'closed'],
  aborting: ['ready', 'abortable', 'broken', 'closed'],
  abortable: ['aborting', 'broken', 'initialising', 'closed'],
  broken: ['initialising', 'closed'],
  closed: []
}

/** States in which batches may leave. */
export function sends(state: ProducerState): boolean {
  return state === 'ready' || state === 'ending'
}

export function checkTransition(from: ProducerState, to: ProducerState): void {
  if (!TRANSITIONS[from].includes(to)) {
    throw new StreamsError(
      'CLIENT_PROTOCOL_ERROR',
      `A producer cannot go from '${from}' to '${to}': this is a defect`,
      {
        details: { from, to }
      }
    )
  }
}
