import {
  type Api,
  ApiVersions,
  type DecodedRequestOf,
  decodeRequest,
  encodeResponse,
  Fetch,
  FindCoordinator,
  ListOffsets,
  Metadata,
  type ResponseInputOf
} from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { BrokerAddress, Connection, RequestFrame, Transport } from '../transport.ts'

export interface RequestContext {
  /** `host:port` that was asked. */
  readonly broker: string
  readonly apiVersion: number
}

/** The answer; undefined: never. A thrown error breaks the connection. */
type Handler<A extends Api> = (
  request: DecodedRequestOf<A>,
  context: RequestContext
) => ResponseInputOf<A> | undefined | Promise<ResponseInputOf<A> | undefined>

export interface ScriptedTopic {
  readonly topicId?: string
  readonly errorCode?: number
  /** By partition: the leader's node id, -1 for none; and its epoch. */
  leaders: (readonly [nodeId: number, epoch: number])[]
}

const SPOKEN: readonly Api[] = [ApiVersions, Fetch, FindCoordinator, ListOffsets, Metadata]

/**
 * Brokers in memory, each answer up to a function; requests and answers pass through the wire format. ApiVersions and
 * Metadata answer by themselves from `brokers` and `topics`.
 */
export class ScriptedTransport implements Transport {
  answersAreOwn = false
  bootstrapAddresses: readonly string[]
  /** By node id. */
  readonly brokers = new Map<number, string>()
  readonly topics = new Map<string, ScriptedTopic>()
  /** Refuse connections. */
  readonly down = new Set<string>()
  /** Take connections and requests, and answer nothing. */
  readonly silent = new Set<string>()
  /** Highest versions, where lower than ours. */
  readonly maxVersions = new Map<Api, number>()
  /** Addresses connected to, in order. */
  readonly connects: string[] = []
  readonly requests: { readonly api: string; readonly broker: string; readonly version: number }[] = []
  readonly open: ScriptedConnection[] = []
  /** Whether any request allowed the broker to create what is missing. */
  mayCreateTopics = false
  readonly #handlers = new Map<number, { readonly api: Api; readonly handle: Handler<Api> }>()

  constructor(bootstrap: readonly string[]) {
    this.bootstrapAddresses = bootstrap
    this.on(ApiVersions, () => ({
      errorCode: 0,
      apiKeys: SPOKEN.map(api => ({
        apiKey: api.key,
        minVersion: api.minVersion,
        maxVersion: this.maxVersions.get(api) ?? api.maxVersion
      })),
      throttleTimeMs: 0
    }))
    this.on(Metadata, request => this.#metadata(request))
  }

  on<A extends Api>(api: A, handle: Handler<A>): void {
    this.#handlers.set(api.key, { api, handle: handle as unknown as Handler<Api> })
  }

  count(api: Api): number {
    return this.requests.filter(({ api: name }) => name === api.name).length
  }

  async bootstrap(): Promise<readonly BrokerAddress[]> {
    return this.bootstrapAddresses.map(addressOf)
  }

  async connect({ host, port }: BrokerAddress): Promise<Connection> {
    const broker = `${host}:${port}`
    this.connects.push(broker)
    if (this.down.has(broker)) {
      throw new StreamsError('CLIENT_CONNECT_FAILED', `Broker ${broker} cannot be reached: refused`)
    }
    const connection = new ScriptedConnection(broker, request => this.#answer(broker, request))
    this.open.push(connection)
    return connection
  }

  /** Refuses connections to the broker from now on and cuts those that are open. */
  stop(broker: string): void {
    this.down.add(broker)
    for (const connection of this.open) if (connection.broker === broker) connection.break()
  }

  async #answer(broker: string, frame: RequestFrame): Promise<Buffer | undefined> {
    const handler = this.#handlers.get(frame.apiKey)
    if (handler === undefined) throw new Error(`no handler for ${frame.apiName}`)
    const { api, handle } = handler
    this.requests.push({ api: api.name, broker, version: frame.apiVersion })
    const request = decodeRequest(api, frame.apiVersion, Buffer.from(frame.body))
    if (this.silent.has(broker)) return undefined
    const answer = await handle(request, { broker, apiVersion: frame.apiVersion })
    return answer === undefined ? undefined : encodeResponse(api, frame.apiVersion, answer)
  }

  #metadata(request: DecodedRequestOf<typeof Metadata>): ResponseInputOf<typeof Metadata> {
    this.mayCreateTopics ||= request.allowAutoTopicCreation
    const names = request.topics?.map(({ name }) => name as string) ?? [...this.topics.keys()]
    return {
      brokers: [...this.brokers].map(([nodeId, address]) => ({ nodeId, ...addressOf(address) })),
      controllerId: [...this.brokers.keys()][0] ?? -1,
      topics: names.map(name => {
        const topic = this.topics.get(name)
        return {
          errorCode: topic === undefined ? 3 : (topic.errorCode ?? 0),
          name,
          ...(topic?.topicId === undefined ? {} : { topicId: topic.topicId }),
          partitions: (topic?.leaders ?? []).map(([leaderId, leaderEpoch], partitionIndex) => ({
            errorCode: leaderId < 0 ? 5 : 0,
            partitionIndex,
            leaderId,
            leaderEpoch,
            replicaNodes: [leaderId],
            isrNodes: [leaderId],
            offlineReplicas: []
          }))
        }
      }),
      errorCode: 0
    }
  }
}

class ScriptedConnection implements Connection {
  readonly broker: string
  connected = true
  readonly #answer: (request: RequestFrame) => Promise<Buffer | undefined>
  readonly #pending = new Set<(error: Error) => void>()

  constructor(broker: string, answer: (request: RequestFrame) => Promise<Buffer | undefined>) {
    this.broker = broker
    this.#answer = answer
  }

  send(request: RequestFrame): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (!this.connected) return reject(failed(request))
      const fail = (): void => reject(failed(request))
      this.#pending.add(fail)
      this.#answer(request).then(
        answer => {
          if (answer === undefined || !this.#pending.delete(fail)) return
          resolve(answer)
        },
        () => this.break()
      )
    })
  }

  break(): void {
    this.connected = false
    for (const fail of this.#pending) fail(failed(undefined))
    this.#pending.clear()
  }

  async close(): Promise<void> {
    this.break()
  }
}

function failed(request: RequestFrame | undefined): StreamsError {
  return new StreamsError('CLIENT_REQUEST_FAILED', `${request?.apiName} was not answered.`)
}

function addressOf(broker: string): BrokerAddress {
  const [host, port] = broker.split(':')
  return { host: host as string, port: Number(port) }
}
