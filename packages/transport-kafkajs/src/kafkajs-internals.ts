import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { ISocketFactory, KafkaConfig, Logger, logCreator } from 'kafkajs'

/**
 * The parts of kafkajs below its public interface that this package uses, typed. kafkajs is pinned exactly because of
 * them: whoever raises its version reads these files of it first.
 */
export interface KafkajsConnection {
  readonly host: string
  readonly port: number
  readonly clientId: string
  readonly sasl: object | null
  readonly socket: Socket | undefined
  readonly requestQueue: KafkajsRequestQueue
  /** Milliseconds as a 64-bit integer; 0: unlimited. */
  readonly sessionLifetime: { toString(): string }
  reauthenticationThreshold: number
  /** Of a SASL mechanism whose bytes are not wrapped in requests, while it is under way. */
  readonly authHandlers: object | null
  /** Takes what the socket received. */
  processData: (chunk: Buffer) => void
  isConnected(): boolean
  isAuthenticated(): boolean
  connect(): Promise<boolean>
  authenticate(): Promise<void>
  disconnect(): Promise<boolean>
  nextCorrelationId(): number
  rejectRequests(error: Error): void
  setVersions(versions: unknown): void
  setSupportAuthenticationProtocol(isSupported: boolean): void
  send: (protocol: unknown) => Promise<unknown>
}

interface KafkajsRequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
  fulfillRequest(answer: { readonly correlationId: number; readonly payload: Buffer; readonly size: number }): void
  push(pushed: {
    readonly entry: {
      readonly apiKey: number
      readonly apiName: string
      readonly apiVersion: number
      readonly correlationId: number
      readonly resolve: (answer: { readonly payload: Buffer }) => void
      readonly reject: (error: Error) => void
    }
    readonly expectResponse: boolean
    readonly requestTimeout: number | null
    readonly sendRequest: () => void
  }): void
}

export interface KafkajsConnectionOptions {
  readonly host: string
  readonly port: number
  readonly rack: string | null
  readonly ssl: KafkaConfig['ssl'] | null
  readonly sasl: KafkaConfig['sasl'] | null
  readonly clientId: string | undefined
  readonly socketFactory: ISocketFactory
  readonly connectionTimeout: number
  readonly requestTimeout: number
  readonly enforceRequestTimeout: boolean
  readonly maxInFlightRequests: number | null
  readonly logger: Logger
}

/**
 * kafkajs 2.2.4 arms a timer after every answer, although nothing is queued, and again whenever that timer fires: once a
 * millisecond per connection for ever, with a warning since Node 24 because the delay is negative. Here it is armed only
 * while requests are queued.
 */
export function calmRequestQueue(connection: KafkajsConnection): void {
  const queue = connection.requestQueue
  const schedule = queue.scheduleCheckPendingRequests
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule.call(queue)
  }
}

/** What kafkajs's Broker wants of its connection pool; ours holds one connection. */
interface KafkajsConnectionPool {
  readonly host: string
  readonly port: number
  readonly sasl: object | null
  readonly connectionTimeout: number
  isConnected(): boolean
  isAuthenticated(): boolean
  getConnection(): Promise<KafkajsConnection>
  setVersions(versions: unknown): void
  setSupportAuthenticationProtocol(isSupported: boolean): void
  send(protocol: unknown): Promise<unknown>
}

const require = createRequire(import.meta.url)

export const KafkajsConnection = require('kafkajs/src/network/connection') as new (
  options: KafkajsConnectionOptions
) => KafkajsConnection

export const KafkajsBroker = require('kafkajs/src/broker') as new (options: {
  readonly connectionPool: KafkajsConnectionPool
  readonly logger: Logger
  readonly authenticationTimeout: number
  readonly allowAutoTopicCreation: boolean
}) => { connect(): Promise<void> }

export const { createLogger, LEVELS } = require('kafkajs/src/loggers') as {
  createLogger(options: { readonly level: number; readonly logCreator: logCreator }): Logger
  readonly LEVELS: { readonly [name in 'NOTHING' | 'ERROR' | 'WARN' | 'INFO' | 'DEBUG']: number }
}

export const consoleLogCreator = require('kafkajs/src/loggers/console') as logCreator
