import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, createCluster, type Transport } from '@millrace/client'
import { FindCoordinator, ListTransactions, Metadata, type ResponseOf } from '@millrace/protocol'
import { isStreamsError } from '@millrace/streams/core'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'

type Topics = ResponseOf<typeof Metadata>['topics']

const POLL_MS = 200

/** Who leads and coordinates what in a cluster, and whether all its replicas are in sync. */
export class ClusterWatch {
  readonly #cluster: Cluster

  constructor(transport: Transport) {
    this.#cluster = createCluster({
      transport,
      clock: systemClock,
      random: systemRandom,
      logger: SILENT_LOGGER,
      requestTimeoutMs: 5_000
    })
  }

  async topics(): Promise<Topics> {
    return (await this.#retrying(() => this.#cluster.request({ any: true }, Metadata, { topics: null }))).topics
  }

  async leaderOf(topic: string, partition: number): Promise<number> {
    const described = (await this.topics()).find(({ name }) => name === topic)
    const found = described?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    if (found === undefined) throw new Error(`There is no partition ${partition} of '${topic}'.`)
    return found.leaderId
  }

  async groupCoordinator(groupId: string): Promise<number> {
    for (;;) {
      const answer = await this.#retrying(() =>
        this.#cluster.request({ any: true }, FindCoordinator, { key: groupId, keyType: 0, coordinatorKeys: [groupId] })
      )
      const found = answer.coordinators[0]
      if (found?.errorCode === 0) return found.nodeId
      await sleep(POLL_MS)
    }
  }

  /** The node that coordinates the most transactional ids with this prefix. */
  async transactionCoordinator(prefix: string, nodeIds: readonly number[]): Promise<number> {
    for (;;) {
      let most = { nodeId: -1, count: 0 }
      for (const nodeId of nodeIds) {
        const answer = await this.#retrying(() =>
          this.#cluster.request({ nodeId }, ListTransactions, { stateFilters: [], producerIdFilters: [] })
        )
        const count = answer.transactionStates.filter(({ transactionalId }) =>
          transactionalId.startsWith(prefix)
        ).length
        if (count > most.count) most = { nodeId, count }
      }
      if (most.count > 0) return most.nodeId
      await sleep(POLL_MS)
    }
  }

  /** Waits until every partition of every topic has a leader and all its replicas in sync. */
  async untilInSync(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const behind: string[] = []
      for (const { name, partitions } of await this.topics()) {
        for (const { partitionIndex, leaderId, isrNodes, replicaNodes } of partitions) {
          if (leaderId < 0 || isrNodes.length < replicaNodes.length) behind.push(`${name}-${partitionIndex}`)
        }
      }
      if (behind.length === 0) return
      if (performance.now() > deadline) throw new Error(`Not in sync after ${timeoutMs} ms: ${behind.join(', ')}.`)
      await sleep(POLL_MS)
    }
  }

  close(): Promise<void> {
    return this.#cluster.close()
  }

  async #retrying<T>(request: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + 60_000
    for (;;) {
      try {
        return await request()
      } catch (error) {
        if (!isStreamsError(error) || error.action !== 'retry' || performance.now() > deadline) throw error
        await sleep(POLL_MS)
      }
    }
  }
}
