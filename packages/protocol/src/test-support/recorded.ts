import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AbortedTransaction } from '../records/aborted-producers.ts'

export interface RecordedExchange {
  readonly api: string
  readonly version: number
  readonly request: Buffer
  readonly response: Buffer
}

export interface RecordedLog {
  readonly records: Buffer
  readonly aborted: readonly AbortedTransaction[]
}

export const RECORDED_CLIENTS = ['java-newest', 'java-as-2.8', 'kafkajs'] as const

/** What clients other than ours and a real broker said to each other; see scripts/README.md. */
export function recordedExchanges(client: (typeof RECORDED_CLIENTS)[number]): readonly RecordedExchange[] {
  const exchanges: readonly { api: string; version: number; request: string; response: string }[] = fixture(client)
  return exchanges.map(exchange => ({
    ...exchange,
    request: Buffer.from(exchange.request, 'base64'),
    response: Buffer.from(exchange.response, 'base64')
  }))
}

/**
 * A log that Java's producer wrote, as a real broker's Fetch answered it. The topics are those of
 * scripts/RecordedClient.java.
 */
export function recordedLog(topic: string): RecordedLog {
  const logs: Record<string, { records: string; aborted: [string, number][] }> = fixture('record-batches')
  const log = logs[topic]!
  return {
    records: Buffer.from(log.records, 'base64'),
    aborted: log.aborted.map(([producerId, firstOffset]) => ({ producerId: BigInt(producerId), firstOffset }))
  }
}

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', `${name}.json`), 'utf8'))
}
