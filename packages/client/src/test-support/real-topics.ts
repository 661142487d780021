import { type KafkaAdmin, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock } from '@millrace/streams/runtime'
import { createAdmin } from '../admin/index.ts'
import type { Cluster } from '../cluster.ts'

/** Topics on a real broker that go when a test file ends. */
export class RealTopics {
  readonly admin: KafkaAdmin
  readonly #prefix: string
  readonly #names: string[] = []

  constructor(cluster: Cluster, prefix: string) {
    this.#prefix = prefix
    this.admin = createAdmin({ cluster, clock: systemClock, random: Math.random, logger: SILENT_LOGGER })
  }

  async create(partitionCount: number, configs: Readonly<Record<string, string>>): Promise<string> {
    const topic = `${this.#prefix}-${this.#names.length}`
    await this.admin.createTopics([{ name: topic, partitionCount, replicationFactor: -1, configs }])
    this.#names.push(topic)
    // Metadata tell of a partition before its leader has it, who refuses what comes until then.
    const ends = Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition, at: 'latest' as const }))
    await this.admin.listOffsets(ends, 'read_uncommitted')
    return topic
  }

  async delete(): Promise<void> {
    await this.admin.deleteTopics(this.#names)
  }
}
