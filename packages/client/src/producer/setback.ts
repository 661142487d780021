import { kafkaError } from '@millrace/protocol'
import type { PartitionAnswer } from './sender.ts'

/** Why records were not taken, and are sent again. */
export interface Setback {
  /** Completes "the last attempt: …". */
  readonly text: string
  /** The name of what the leader answered, if it did. */
  readonly kafkaError?: string
  readonly cause?: unknown
}

export const NO_LEADER: Setback = { text: 'no leader is known' }
export const NO_TOPIC: Setback = { text: 'the topic does not exist' }

export function answeredWith({ errorCode, errorMessage }: PartitionAnswer): Setback {
  const { name, message } = kafkaError(errorCode)
  return { text: `its leader answered ${name}: ${errorMessage ?? message}`, kafkaError: name }
}

/** @param failure - of the request; undefined: its answer says nothing of the partition. */
export function unanswered(failure: unknown): Setback {
  if (failure === undefined) return { text: 'its leader answered nothing for it' }
  return { text: failure instanceof Error ? failure.message : String(failure), cause: failure }
}
