import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKafkaClient } from '@millrace/client'
import { type KafkaClient, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { BROKER_SESSION_MS, type KafkaCluster } from '../../scripts/kafka-broker/cluster.ts'
import { seededRandom } from '../chaos/random.ts'
import { WorkerFleet } from '../chaos/worker-fleet.ts'
import { AdminRequests } from './admin-requests.ts'
import type { ClusterAppOptions, ClusterReport } from './cluster-app-options.ts'
import { type ClusterOutput, checkOutput } from './cluster-output.ts'
import { ClusterSource } from './cluster-source.ts'
import { ClusterWatch } from './cluster-watch.ts'
import type { BusiestSecond } from './traffic.ts'

/**
 * What is done to one broker after the other. Restarted ones end in an orderly way: leaders move before it goes. Killed ones
 * start again after their session. Frozen ones (SIGSTOP, later SIGCONT) keep their connections open, and silent, while others take
 * their place. Leaders move, and quotas hold workers back for a while, with all brokers well.
 */
export const DISTURBANCES = [
  'restart the transaction coordinator',
  'restart the group coordinator',
  'restart a leader',
  'kill the transaction coordinator',
  'kill the group coordinator',
  'kill a leader',
  'freeze the transaction coordinator',
  'freeze the group coordinator',
  'freeze a leader',
  'move the leaders',
  'throttle the workers'
] as const
export type Disturbance = (typeof DISTURBANCES)[number]

export interface ClusterRunOptions {
  readonly cluster: KafkaCluster
  readonly guarantee: 'at_least_once' | 'exactly_once'
  readonly seed: number
  readonly workers: number
  readonly disturbances: Iterable<Disturbance>
  readonly log: (line: string) => void
}

export interface ClusterRunReport extends ClusterOutput {
  readonly disturbances: number
  /** How long a broker took to start at most: a few seconds on a machine that does nothing else. */
  readonly slowestStartMs: number
  /** Warnings of workers that a broker throttles them; each tells of it once a minute, for each connection. */
  readonly throttled: number
  /** Of all workers, the most of each kind of request that one of them sent in a second. */
  readonly busiestSecond: BusiestSecond
}

export const SESSION_TIMEOUT_MS = 20_000
const PARTITIONS = 4
const KEYS = 60
const THROTTLED_MS = 12_000
const FROZEN_MS = SESSION_TIMEOUT_MS + 2_000

/** Runs workers under load while brokers come and go; then compares what they made with what they were sent. */
export async function runOnCluster(options: ClusterRunOptions): Promise<ClusterRunReport> {
  const { cluster, guarantee, seed, log } = options
  const applicationId = `cluster-${process.pid}-${seed}-${guarantee}`
  const topics = {
    input: `${applicationId}-in`,
    counts: `${applicationId}-counts`,
    windows: `${applicationId}-windows`
  }
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-cluster-state-'))
  const transport = kafkajsTransport({ brokers: cluster.brokers })
  const client = createKafkaClient({ transport, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
  const watch = new ClusterWatch(transport)
  const app: ClusterAppOptions = {
    topics,
    windowMs: 1_000,
    stateDir,
    // With the default request time-out, 30 s: nobody may wait for it.
    kafka: { brokers: cluster.brokers },
    config: {
      applicationId,
      processingGuarantee: guarantee,
      cacheBytes: 0,
      commitIntervalMs: 250,
      sessionTimeoutMs: SESSION_TIMEOUT_MS
    }
  }
  const busiest = new Map<string, number>()
  let throttled = 0
  const fleet = new WorkerFleet(
    [JSON.stringify(app)],
    line => {
      if (line.includes('throttles this client')) throttled++
      log(line)
    },
    new URL('cluster-app.ts', import.meta.url),
    ({ busiestSecond = {} }: ClusterReport) => {
      for (const [kind, count] of Object.entries(busiestSecond)) {
        busiest.set(kind, Math.max(busiest.get(kind) ?? 0, count))
      }
    }
  )
  try {
    await client.connect()
    await createTopics(client, topics)
    await Promise.all(Array.from({ length: options.workers }, (_, slot) => fleet.start(slot)))
    const source = new ClusterSource()
    source.start(client, { topic: topics.input, keys: KEYS, batch: 10, everyMs: 50, random: seededRandom(seed) })
    await untilAllPartitionsGrow(client, topics.counts)
    await watch.untilInSync(60_000)
    const from = Date.now()
    let disturbances = 0
    let slowestStartMs = 0
    const onStarted = (tookMs: number): void => {
      slowestStartMs = Math.max(slowestStartMs, Math.round(tookMs))
    }
    for (const disturbance of options.disturbances) {
      disturbances++
      await disturb(disturbance, { ...options, admin: new AdminRequests(transport), watch, app, onStarted })
      await watch.untilInSync(60_000)
      await untilAllPartitionsGrow(client, topics.counts)
      if (fleet.crashes.length > 0) break
    }
    const to = Date.now()
    await source.stop()
    await untilProcessed(client, applicationId, topics.input)
    await fleet.stop()
    const output = await checkOutput(client, app, source.sent, from, to)
    return {
      ...output,
      violations: [...fleet.crashes, ...output.violations],
      disturbances,
      slowestStartMs,
      throttled,
      busiestSecond: Object.fromEntries(busiest)
    }
  } finally {
    await fleet.stop()
    await watch.close()
    await client.close()
    await rm(stateDir, { recursive: true, force: true })
  }
}

async function createTopics(client: KafkaClient, topics: ClusterAppOptions['topics']): Promise<void> {
  // The brokers' clock tells when an output was written.
  const configs = { 'message.timestamp.type': 'LogAppendTime' }
  const all = { partitionCount: PARTITIONS, replicationFactor: -1 }
  await client.admin.createTopics([
    { ...all, name: topics.input, configs: {} },
    { ...all, name: topics.counts, configs },
    { ...all, name: topics.windows, configs }
  ])
}

interface Scene extends ClusterRunOptions {
  readonly admin: AdminRequests
  readonly watch: ClusterWatch
  readonly app: ClusterAppOptions
  readonly onStarted: (tookMs: number) => void
}

async function disturb(disturbance: Disturbance, scene: Scene): Promise<void> {
  const { cluster, watch, app, log } = scene
  if (disturbance === 'move the leaders') return await moveLeaders(scene)
  if (disturbance === 'throttle the workers') return await throttle(scene)
  const node = cluster.node(await nodeOf(disturbance, scene))
  log(`${new Date().toISOString()} ${disturbance}: node ${node.nodeId}`)
  const start = async (): Promise<void> => {
    const beganMs = performance.now()
    await node.start()
    scene.onStarted(performance.now() - beganMs)
  }
  if (disturbance.startsWith('restart')) {
    await node.end('SIGTERM')
    await start()
  } else if (disturbance.startsWith('kill')) {
    await node.end('SIGKILL')
    await sleep(BROKER_SESSION_MS + 2_000)
    await start()
  } else {
    node.signal('SIGSTOP')
    await sleep(FROZEN_MS)
    node.signal('SIGCONT')
    // It has to find out itself that others have taken its place.
    await sleep(1_000)
  }
  log(
    `${new Date().toISOString()} node ${node.nodeId} is back, leader of ${app.topics.input}-0 is ${await watch.leaderOf(app.topics.input, 0)}`
  )
}

async function nodeOf(disturbance: Disturbance, { watch, app, cluster }: Scene): Promise<number> {
  const { applicationId } = app.config
  if (disturbance.endsWith('group coordinator')) return await watch.groupCoordinator(applicationId)
  if (disturbance.endsWith('transaction coordinator') && app.config.processingGuarantee === 'exactly_once') {
    return await watch.transactionCoordinator(
      applicationId,
      cluster.nodes.map(({ nodeId }) => nodeId)
    )
  }
  return await watch.leaderOf(app.topics.input, 0)
}

/** Every partition of every topic, those of the coordinators as well, gets the next of its replicas as its leader. */
async function moveLeaders({ admin, watch, log }: Scene): Promise<void> {
  log(`${new Date().toISOString()} moving all leaders`)
  for (const { name, partitions } of await watch.topics()) {
    const replicas = partitions.map(({ partitionIndex, replicaNodes, leaderId }) => {
      const at = replicaNodes.indexOf(leaderId) + 1
      return [partitionIndex, [...replicaNodes.slice(at), ...replicaNodes.slice(0, at)]] as const
    })
    await admin.reassign(name as string, new Map(replicas))
  }
  await admin.electPreferredLeaders()
}

/** Quotas below what the workers need. */
async function throttle({ admin, app, log }: Scene): Promise<void> {
  const { applicationId } = app.config
  log(`${new Date().toISOString()} quotas for ${applicationId}`)
  await admin.setQuotas(applicationId, { producer_byte_rate: 15_000, consumer_byte_rate: 4_000, request_percentage: 2 })
  await sleep(THROTTLED_MS)
  const none = { producer_byte_rate: undefined, consumer_byte_rate: undefined, request_percentage: undefined }
  await admin.setQuotas(applicationId, none)
  log(`${new Date().toISOString()} no quotas any more`)
}

/** Waits until each partition's last stable offset has grown: every task commits. */
async function untilAllPartitionsGrow(client: KafkaClient, topic: string): Promise<void> {
  const ends = async (): Promise<number[]> => {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
      topic,
      partition,
      at: 'latest' as const
    }))
    const found = await client.admin.listOffsets(partitions, 'read_committed')
    return found.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)
  }
  const before = await ends()
  const deadline = performance.now() + 60_000
  while (!(await ends()).every((end, partition) => end > (before[partition] ?? 0))) {
    if (performance.now() > deadline)
      throw new Error(`No output was committed in some partition of '${topic}' for a minute.`)
    await sleep(100)
  }
}

async function untilProcessed(client: KafkaClient, groupId: string, topic: string): Promise<void> {
  const ends = await client.admin.listOffsets(
    Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, at: 'latest' as const })),
    'read_committed'
  )
  const deadline = performance.now() + 60_000
  for (;;) {
    const committed = await client.admin.fetchOffsets(groupId, ends, { requireStable: false })
    const isBehind = (end: { partition: number; offset: number }): boolean =>
      (committed.find(({ partition }) => partition === end.partition)?.offset ?? -1) < end.offset
    if (!ends.some(isBehind)) return
    if (performance.now() > deadline) throw new Error('The workers did not process all that was sent within a minute.')
    await sleep(200)
  }
}
