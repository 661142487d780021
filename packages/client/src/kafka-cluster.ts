import { type Api, kafkaError, Metadata, type RequestOf, type ResponseOf } from '@millrace/protocol'
import { isStreamsError, StreamsError } from '@millrace/streams/core'
import type { Clock, Logger, Random } from '@millrace/streams/ports'
import { DEFAULT_RETRY_BACKOFF, type RetryBackoff } from './backoff.ts'
import { CLIENT_DEFAULTS } from './client-defaults.ts'
import { BrokerLane, nameOf } from './broker-lane.ts'
import type { Cluster, PartitionLeader, RequestOptions, Target, TopicMetadata } from './cluster.ts'
import { Coordinators, isCoordinatorTarget } from './coordinators.ts'
import { KafkaErrorCode } from './kafka-error-code.ts'
import { isSilent, LaneWatch, SILENT_AFTER_MS } from './lane-watch.ts'
import { MetadataCache } from './metadata-cache.ts'
import { sleep } from './sleep.ts'
import type { BrokerAddress, Transport } from './transport.ts'

export interface ClusterOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Default: what the transport was configured with, else 30,000. */
  readonly requestTimeoutMs?: number | undefined
  /** Age at which metadata is read anew when it is used. Default 300,000. */
  readonly metadataMaxAgeMs?: number | undefined
  /** Default 540,000. */
  readonly connectionsMaxIdleMs?: number | undefined
  /** Default 100 to 1,000. */
  readonly retryBackoff?: RetryBackoff | undefined
}

/** Makes a cluster. It connects with the first request. */
export function createCluster(options: ClusterOptions): Cluster {
  return new KafkaCluster(options)
}

const MAIN_LANE = 'main'
/** For looking up brokers while one is silent. */
const LOOKUP_LANE = 'lookup'
/** Who does not answer this soon is not the one to ask. */
const LOOKUP_TIMEOUT_MS = 2 * SILENT_AFTER_MS
const LOOKUP_BROKERS = 3
/** A topic that one broker has just created may be unknown to the next for a moment. */
const UNKNOWN_TOPIC_ATTEMPTS = 3
const LEADERLESS_ATTEMPTS = 20
const RETRY_MS = 100

class KafkaCluster implements Cluster {
  readonly #options: ClusterOptions
  readonly #requestTimeoutMs: number
  readonly #metadataMaxAgeMs: number
  readonly #metadata = new MetadataCache()
  /** By address, so that a broker found through its bootstrap address keeps that connection; then by lane. */
  readonly #lanes = new Map<string, Map<string, BrokerLane>>()
  readonly #coordinators: Coordinators
  readonly #watch: LaneWatch
  readonly answersAreOwn: boolean
  #connecting: Promise<void> | undefined
  #refreshing: Promise<void> | undefined
  #nextRefresh: { readonly names: Set<string>; readonly answer: Promise<ResponseOf<typeof Metadata>> } | undefined
  /** Since when others are being asked about a broker that is silent. */
  #lookingSinceMs: number | undefined
  /** Ends the wait for the addresses given at the start. */
  #endBootstrap: (error: StreamsError) => void = () => {}
  #closed = false

  constructor(options: ClusterOptions) {
    const { defaults } = options.transport
    this.#options = options
    this.answersAreOwn = options.transport.answersAreOwn ?? false
    this.#requestTimeoutMs = options.requestTimeoutMs ?? defaults?.requestTimeoutMs ?? CLIENT_DEFAULTS.requestTimeoutMs
    this.#metadataMaxAgeMs = options.metadataMaxAgeMs ?? CLIENT_DEFAULTS.metadataMaxAgeMs
    const retryBackoff = options.retryBackoff ?? DEFAULT_RETRY_BACKOFF
    this.#watch = new LaneWatch({
      clock: options.clock,
      brokers: () => [...this.#lanes.values()].map(lanes => [...lanes.values()]),
      onSilence: () => this.#lookForBrokers()
    })
    this.#coordinators = new Coordinators(this, options, this.#requestTimeoutMs, retryBackoff)
  }

  request<A extends Api>(
    target: Target,
    api: A,
    body: RequestOf<A>,
    options: RequestOptions = {}
  ): Promise<ResponseOf<A>> {
    const timeoutMs = options.timeoutMs ?? this.#requestTimeoutMs
    // Without an await where the broker is known: requests of one lane leave in the order of the calls.
    const address = this.#knownAddress(target)
    if (address !== undefined) {
      return this.#onLane(target, address, options, lane => lane.request(api, body, timeoutMs, options))
    }
    return this.#findAddress(target).then(found =>
      this.#onLane(target, found, options, lane => lane.request(api, body, timeoutMs, options))
    )
  }

  async versionFor(target: Target, api: Api, options: RequestOptions = {}): Promise<number> {
    const address = this.#knownAddress(target) ?? (await this.#findAddress(target))
    return await this.#onLane(target, address, options, lane => lane.versionFor(api, options))
  }

  async topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    const missing = names.filter(name => this.cachedTopic(name) === undefined)
    if (missing.length > 0) await this.#refreshUntilSettled(missing)
    const found = new Map<string, TopicMetadata>()
    for (const name of names) {
      const topic = this.#metadata.topic(name)
      if (topic !== undefined) found.set(name, topic)
    }
    return found
  }

  async allTopics(): Promise<readonly TopicMetadata[]> {
    const { topics } = await this.#readMetadata(null)
    const found: TopicMetadata[] = []
    for (const { name } of topics) {
      const topic = name === null ? undefined : this.#metadata.topic(name)
      if (topic !== undefined) found.push(topic)
    }
    return found
  }

  leader(topic: string, partition: number): PartitionLeader | undefined {
    this.#refreshIfOld(topic)
    return this.#metadata.leader(topic, partition)
  }

  cachedTopic(name: string): TopicMetadata | undefined {
    this.#refreshIfOld(name)
    return this.#metadata.topic(name)
  }

  async refresh(names: readonly string[]): Promise<void> {
    this.#failIfRefused(names, await this.#sharedRefresh(names))
  }

  forgetCoordinator(target: Target): void {
    if ('controller' in target) this.#metadata.forgetController()
    if (isCoordinatorTarget(target)) this.#coordinators.forget(target)
  }

  closeLane(lane: string): void {
    for (const lanes of this.#lanes.values()) {
      void lanes.get(lane)?.close()
      lanes.delete(lane)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watch.close()
    this.#endBootstrap(closedError())
    const lanes = [...this.#allLanes()]
    this.#lanes.clear()
    await Promise.all(lanes.map(lane => lane.close()))
  }

  // ── brokers ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #knownAddress(target: Target): BrokerAddress | undefined {
    if ('any' in target) return this.#connectedAddress(false)
    let nodeId: number | undefined
    if ('nodeId' in target) nodeId = target.nodeId
    else if ('controller' in target) nodeId = this.#metadata.controllerId
    else nodeId = this.#coordinators.known(target)
    return nodeId === undefined ? undefined : this.#metadata.brokers.get(nodeId)
  }

  async #findAddress(target: Target): Promise<BrokerAddress> {
    this.#failIfClosed()
    if ('any' in target) {
      await this.#connectToAny()
      const address = this.#connectedAddress(false) ?? this.#connectedAddress(true)
      if (address === undefined) throw this.#lost(target)
      return address
    }
    if (isCoordinatorTarget(target)) {
      const { nodeId, host, port } = await this.#coordinators.find(target)
      this.#metadata.addBroker(nodeId, { host, port })
    }
    // Reads the brokers, and the controller with them.
    else await this.#readMetadata([])
    const address = this.#knownAddress(target)
    if (address !== undefined) return address
    // Without a controller that can be named, any broker takes its requests and forwards them (KRaft).
    if ('controller' in target) return await this.#findAddress({ any: true })
    throw this.#lost(target)
  }

  #lost(target: Target): StreamsError {
    const what = 'nodeId' in target ? `Broker ${target.nodeId} is` : 'The broker asked for is'
    return new StreamsError('CLIENT_CONNECT_FAILED', `${what} not among the cluster's live brokers now.`, {
      details: { target }
    })
  }

  /**
   * A broker to which the main lane is open: one with the fewest requests under way on it, so that those that wait for an answer
   * are passed over; at random among equals.
   */
  #connectedAddress(takesSilent: boolean): BrokerAddress | undefined {
    let connected: BrokerAddress[] = []
    let fewest = Number.POSITIVE_INFINITY
    for (const lanes of this.#lanes.values()) {
      const lane = lanes.get(MAIN_LANE)
      if (lane?.connected !== true || lane.inFlight > fewest || (!takesSilent && this.#isPassedOver(lanes))) continue
      if (lane.inFlight < fewest) connected = []
      fewest = lane.inFlight
      connected.push(lane.address)
    }
    return connected[Math.floor(this.#options.random() * connected.length)]
  }

  /** Opens the main lane to one broker: a known one, or else one of the addresses given at the start (KIP-899). */
  #connectToAny(): Promise<void> {
    this.#connecting ??= this.#tryAll().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #tryAll(): Promise<void> {
    const failures: { readonly broker: string; readonly error: unknown }[] = []
    const tried = new Set<string>()
    const tryEach = async (brokers: Iterable<BrokerAddress>): Promise<boolean> => {
      const silentLast = (broker: BrokerAddress): number =>
        Number(this.#isPassedOver(this.#lanes.get(nameOf(broker)) ?? new Map()))
      const inTurn = shuffled([...brokers], this.#options.random).sort((a, b) => silentLast(a) - silentLast(b))
      for (const broker of inTurn) {
        const name = nameOf(broker)
        if (tried.has(name)) continue
        tried.add(name)
        try {
          await this.#lane(broker, MAIN_LANE).versionFor(Metadata, {})
          return true
        } catch (error) {
          if (this.#closed) throw error
          failures.push({ broker: name, error })
        }
      }
      return false
    }
    if (await tryEach(this.#metadata.brokers.values())) return
    if (await tryEach(await this.#bootstrap())) return
    // Wrong credentials are the user's to mend; an unreachable broker beside them is not what to tell.
    const refused = failures.find(({ error }) => isStreamsError(error) && error.action === 'stop')
    if (refused !== undefined) throw refused.error
    throw new StreamsError(
      'CLIENT_CONNECT_FAILED',
      `None of ${failures.length} brokers can be reached. ${failures.map(({ error }) => reasonOf(error)).join('; ')}. ` +
        "Check the addresses given as 'brokers' and the brokers' advertised.listeners.",
      { cause: failures[0]?.error, details: { brokers: failures.map(({ broker }) => broker) } }
    )
  }

  /** A function of the user's may give the addresses, and nobody knows how long it takes. */
  #bootstrap(): Promise<readonly BrokerAddress[]> {
    const { clock, transport } = this.#options
    const timeoutMs = this.#requestTimeoutMs
    return new Promise((resolve, reject) => {
      this.#endBootstrap = reject
      const cancelTimer = clock.setTimer(timeoutMs, () =>
        reject(
          new StreamsError(
            'CLIENT_CONNECT_FAILED',
            `The brokers' addresses were not given within requestTimeoutMs, ${timeoutMs} ms: the function given as 'brokers' has not answered.`,
            { details: { timeoutMs } }
          )
        )
      )
      transport.bootstrap().then(resolve, reject).finally(cancelTimer)
    })
  }

  #lane(address: BrokerAddress, name: string): BrokerLane {
    this.#failIfClosed()
    const key = nameOf(address)
    let lanes = this.#lanes.get(key)
    if (lanes === undefined) {
      lanes = new Map()
      this.#lanes.set(key, lanes)
    }
    let lane = lanes.get(name)
    if (lane === undefined) {
      const { transport, clock, random, logger } = this.#options
      lane = new BrokerLane({
        transport,
        address,
        clock,
        random,
        logger,
        requestTimeoutMs: this.#requestTimeoutMs,
        reconnectBackoffMs: transport.defaults?.reconnectBackoffMs ?? CLIENT_DEFAULTS.reconnectBackoffMs,
        maxReconnectBackoffMs: transport.defaults?.maxReconnectBackoffMs ?? CLIENT_DEFAULTS.maxReconnectBackoffMs,
        connectionsMaxIdleMs: this.#options.connectionsMaxIdleMs ?? 540_000
      })
      lanes.set(name, lane)
    }
    return lane
  }

  #onLane<T>(
    target: Target,
    address: BrokerAddress,
    options: RequestOptions,
    use: (lane: BrokerLane) => Promise<T>
  ): Promise<T> {
    if (this.#closed) return Promise.reject(closedError())
    this.#watch.wake()
    return use(this.#lane(address, options.lane ?? MAIN_LANE)).catch((error: unknown) => {
      // The role may have moved with the broker gone; its next holder is only learnt by asking again.
      if (isStreamsError(error) && error.action === 'retry') this.forgetCoordinator(target)
      throw this.#closed ? closedError() : error
    })
  }

  #failIfClosed(): void {
    if (this.#closed) throw closedError()
  }

  /** Connections to brokers that left the cluster, or that were only the way in. */
  #closeUnused(): void {
    const used = new Set<string>()
    for (const broker of this.#metadata.brokers.values()) used.add(nameOf(broker))
    for (const [key, lanes] of this.#lanes) {
      if (used.has(key)) continue
      this.#lanes.delete(key)
      for (const lane of lanes.values()) this.#watch.retire(lane)
    }
  }

  /** For what any broker can answer. One may answer others on their connections, while the main one is dead or waits. */
  #isPassedOver(lanes: ReadonlyMap<string, BrokerLane>): boolean {
    return (lanes.get(MAIN_LANE)?.silentMs ?? 0) >= SILENT_AFTER_MS || this.#isSilent(lanes)
  }

  #isSilent(lanes: ReadonlyMap<string, BrokerLane>): boolean {
    return isSilent([...lanes.values()], this.#options.clock)
  }

  *#allLanes(): Iterable<BrokerLane> {
    for (const lanes of this.#lanes.values()) yield* lanes.values()
  }

  /** Some broker does not answer: others may know that it is gone. Several are asked, for more of them may not answer. */
  #lookForBrokers(): void {
    if (this.#closed) return
    const nowMs = this.#options.clock.monotonicMs()
    if (this.#lookingSinceMs !== undefined) {
      // Also what could not be sent yet, for nobody answers on a connection that is being made, ends by this.
      if (nowMs - this.#lookingSinceMs >= LOOKUP_TIMEOUT_MS) this.closeLane(LOOKUP_LANE)
      return
    }
    this.#lookingSinceMs = nowMs
    const lanesOf = (broker: BrokerAddress): ReadonlyMap<string, BrokerLane> =>
      this.#lanes.get(nameOf(broker)) ?? new Map()
    const asked = shuffled([...this.#metadata.brokers], this.#options.random)
      .sort(([, a], [, b]) => Number(this.#isSilent(lanesOf(a))) - Number(this.#isSilent(lanesOf(b))))
      .slice(0, LOOKUP_BROKERS)
    // Lanes of their own: others may wait for the very broker that is silent.
    const options = { lane: LOOKUP_LANE, timeoutMs: LOOKUP_TIMEOUT_MS }
    const targets = asked.length > 0 ? asked.map(([nodeId]) => ({ nodeId })) : [{ any: true } as const]
    Promise.any(targets.map(target => this.#askMetadata([], target, options)))
      .then(answer => {
        // Those that did not answer would look like silence themselves.
        this.closeLane(LOOKUP_LANE)
        this.#applyMetadata(answer)
      })
      .catch((error: unknown) => {
        this.#options.logger.debug('The brokers could not be looked up; those known stay in use.', { error })
      })
      .finally(() => {
        this.#lookingSinceMs = undefined
      })
  }

  // ── metadata ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #sharedRefresh(names: readonly string[]): Promise<ResponseOf<typeof Metadata>> {
    // A request under way may have left before the reason for this call came up: share the one after it.
    if (this.#nextRefresh !== undefined) {
      for (const name of names) this.#nextRefresh.names.add(name)
      return this.#nextRefresh.answer
    }
    const collected = new Set(names)
    const answer = (this.#refreshing ?? Promise.resolve()).then(() => {
      this.#nextRefresh = undefined
      return this.#readMetadata([...collected])
    })
    this.#nextRefresh = { names: collected, answer }
    this.#refreshing = answer.then(
      () => {},
      () => {}
    )
    return answer
  }

  /** Topics of the answer that exist are in the cache afterwards, those that do not are no longer; the others are as before. */
  async #readMetadata(names: readonly string[] | null): Promise<ResponseOf<typeof Metadata>> {
    return this.#applyMetadata(await this.#askMetadata(names, { any: true }))
  }

  #askMetadata(
    names: readonly string[] | null,
    target: Target,
    options: RequestOptions = {}
  ): Promise<ResponseOf<typeof Metadata>> {
    const topics = names === null ? null : names.map(name => ({ name }))
    return this.request(target, Metadata, { topics, allowAutoTopicCreation: false }, options)
  }

  #applyMetadata(answer: ResponseOf<typeof Metadata>): ResponseOf<typeof Metadata> {
    if (answer.errorCode === KafkaErrorCode.REBOOTSTRAP_REQUIRED) {
      this.#metadata.forgetBrokers()
      this.#closeUnused()
      throw new StreamsError('CLIENT_REQUEST_FAILED', 'The broker asks to start again from the bootstrap addresses.')
    }
    this.#metadata.applyBrokers(answer)
    this.#closeUnused()
    const nowMs = this.#options.clock.monotonicMs()
    for (const topic of answer.topics) {
      if (topic.name === null) continue
      switch (topic.errorCode) {
        case KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
        case KafkaErrorCode.UNKNOWN_TOPIC_ID:
          this.#metadata.forgetTopic(topic.name)
          break
        case KafkaErrorCode.INVALID_TOPIC_EXCEPTION:
        case KafkaErrorCode.TOPIC_AUTHORIZATION_FAILED:
          this.#metadata.forgetTopic(topic.name)
          break
        case KafkaErrorCode.NONE:
          this.#metadata.applyTopic(topic, nowMs)
          break
        default:
          // It passes, and says nothing of the topic: what is known is true until a broker says otherwise.
          this.#metadata.keepTopic(topic.name, nowMs)
      }
    }
    return answer
  }

  /** Several calls share an answer: each is told of its own topics only. */
  #failIfRefused(names: readonly string[], { topics }: ResponseOf<typeof Metadata>): void {
    for (const { name, errorCode } of topics) {
      if (name === null || !names.includes(name)) continue
      if (errorCode === KafkaErrorCode.INVALID_TOPIC_EXCEPTION) {
        throw new StreamsError(
          'TOPIC_MISSING',
          `'${name}' is not a valid topic name: letters, digits, '.', '_' and '-', at most 249 characters.`,
          { details: { topic: name } }
        )
      }
      if (errorCode === KafkaErrorCode.TOPIC_AUTHORIZATION_FAILED) {
        throw new StreamsError(
          'CLIENT_AUTHORIZATION_FAILED',
          `This user has no right on topic '${name}'. Grant Read where it is read, Write where it is written; both include Describe.`,
          { details: { topic: name } }
        )
      }
    }
  }

  /** For topics asked for by name: waits a moment for those that may just have been created. */
  async #refreshUntilSettled(names: readonly string[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#sharedRefresh(names)
      this.#failIfRefused(names, answer)
      const undecided = answer.topics.find(
        ({ name, errorCode }) =>
          name !== null && names.includes(name) && this.#metadata.topic(name) === undefined && isUndecided(errorCode)
      )
      const unknown = names.some(name => this.#metadata.topic(name) === undefined)
      const leaderless = names.some(
        name => this.#metadata.topic(name)?.partitions.some(({ leaderId }) => leaderId < 0) ?? false
      )
      const again =
        (unknown && attempt < UNKNOWN_TOPIC_ATTEMPTS) ||
        ((leaderless || undecided !== undefined) && attempt < LEADERLESS_ATTEMPTS)
      if (!again && undecided !== undefined) throw lookUpError(undecided.name as string, undecided.errorCode)
      if (!again) return
      await sleep(this.#options.clock, RETRY_MS)
    }
  }

  #refreshIfOld(name: string): void {
    const ageMs = this.#options.clock.monotonicMs() - this.#metadata.readAtMs(name)
    // An unknown topic is looked up by `topics` and `refresh` alone.
    if (!(ageMs > this.#metadataMaxAgeMs) || ageMs === Number.POSITIVE_INFINITY) return
    if (this.#nextRefresh !== undefined || this.#closed) return
    this.refresh([name]).catch((error: unknown) => {
      this.#options.logger.debug('Old metadata could not be read anew; it stays in use.', { topic: name, error })
    })
  }
}

function closedError(): StreamsError {
  return new StreamsError('CLIENT_CLOSED', 'The Kafka client is closed.')
}

/** Whether an answer leaves open if there is such a topic. */
function isUndecided(errorCode: number): boolean {
  return (
    errorCode !== KafkaErrorCode.NONE &&
    errorCode !== KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION &&
    errorCode !== KafkaErrorCode.UNKNOWN_TOPIC_ID
  )
}

function lookUpError(topic: string, errorCode: number): StreamsError {
  const error = kafkaError(errorCode)
  return new StreamsError(
    'CLIENT_REQUEST_FAILED',
    `Topic '${topic}' could not be looked up: the brokers answer ${error.name}, ${error.message}. Whether it exists is not known.`,
    { details: { topic, kafkaError: error.name, kafkaErrorCode: errorCode } }
  )
}

/** The message without its code. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.? \([A-Z_]+\)$/, '') : String(error)
}

function shuffled<T>(items: T[], random: Random): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const item = items[last] as T
    items[last] = items[other] as T
    items[other] = item
  }
  return items
}
