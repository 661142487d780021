import { FindCoordinator } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { Clock, Random } from '@millrace/streams/ports'
import { Backoff, type RetryBackoff } from './backoff.ts'
import type { Cluster, Target } from './cluster.ts'
import { KafkaErrorCode } from './kafka-error-code.ts'
import { sleep } from './sleep.ts'

const GROUP = 0
const TRANSACTION = 1

export type CoordinatorTarget = Extract<Target, { groupCoordinator: string } | { transactionCoordinator: string }>

export interface Coordinator {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export function isCoordinatorTarget(target: Target): target is CoordinatorTarget {
  return 'groupCoordinator' in target || 'transactionCoordinator' in target
}

/** Who coordinates a group or a transactional id: looked up once, kept until forgotten. */
export class Coordinators {
  readonly #cluster: Pick<Cluster, 'request'>
  readonly #clock: Clock
  readonly #random: Random
  readonly #timeoutMs: number
  readonly #retry: RetryBackoff
  readonly #known = new Map<string, number>()
  readonly #finding = new Map<string, Promise<Coordinator>>()

  constructor(
    cluster: Pick<Cluster, 'request'>,
    { clock, random }: { readonly clock: Clock; readonly random: Random },
    timeoutMs: number,
    retryBackoff: RetryBackoff
  ) {
    this.#cluster = cluster
    this.#clock = clock
    this.#random = random
    this.#timeoutMs = timeoutMs
    this.#retry = retryBackoff
  }

  /** Its node id, from what is known. */
  known(target: CoordinatorTarget): number | undefined {
    return this.#known.get(keyOf(target))
  }

  forget(target: CoordinatorTarget): void {
    this.#known.delete(keyOf(target))
  }

  /**
   * Asks for it, waiting while there is none. Concurrent calls share one question.
   *
   * @throws StreamsError `CLIENT_AUTHORIZATION_FAILED`, `CLIENT_REQUEST_FAILED` when the time-out is over
   */
  find(target: CoordinatorTarget): Promise<Coordinator> {
    const key = keyOf(target)
    let finding = this.#finding.get(key)
    if (finding === undefined) {
      finding = this.#lookUp(target, key).finally(() => this.#finding.delete(key))
      this.#finding.set(key, finding)
    }
    return finding
  }

  async #lookUp(target: CoordinatorTarget, key: string): Promise<Coordinator> {
    const deadlineMs = this.#clock.monotonicMs() + this.#timeoutMs
    const backoff = new Backoff(this.#retry.firstMs, this.#retry.maxMs, this.#random)
    const isGroup = 'groupCoordinator' in target
    const id = isGroup ? target.groupCoordinator : target.transactionCoordinator
    const what = isGroup ? `group '${id}'` : `transactional id '${id}'`
    for (;;) {
      const answer = await this.#cluster.request({ any: true }, FindCoordinator, {
        key: id,
        keyType: isGroup ? GROUP : TRANSACTION,
        coordinatorKeys: [id]
      })
      // Up to version 3 the answer is the coordinator itself.
      const found = answer.coordinators[0] ?? answer
      if (found.errorCode === KafkaErrorCode.NONE) {
        this.#known.set(key, found.nodeId)
        return found
      }
      if (
        found.errorCode === KafkaErrorCode.GROUP_AUTHORIZATION_FAILED ||
        found.errorCode === KafkaErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
      ) {
        throw new StreamsError(
          'CLIENT_AUTHORIZATION_FAILED',
          `This user may not use ${what}. Grant READ and DESCRIBE (groups) or WRITE (transactional ids) on it.`,
          { details: { target } }
        )
      }
      // Kafka creates the topic behind its coordinators with the first one asked for, which takes a while.
      const waitMs = backoff.nextMs()
      if (this.#clock.monotonicMs() + waitMs > deadlineMs) {
        throw new StreamsError(
          'CLIENT_REQUEST_FAILED',
          `No coordinator for ${what} was found within ${this.#timeoutMs} ms: error code ${found.errorCode} ` +
            `${found.errorMessage ?? ''}. Check the health of the cluster's internal topics.`,
          { details: { target, errorCode: found.errorCode } }
        )
      }
      await sleep(this.#clock, waitMs)
    }
  }
}

function keyOf(target: CoordinatorTarget): string {
  return 'groupCoordinator' in target
    ? `group:${target.groupCoordinator}`
    : `transaction:${target.transactionCoordinator}`
}
