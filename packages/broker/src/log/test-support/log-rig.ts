import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RecordBatchBuilder, RecordBatchCursor } from '@millrace/protocol'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { MockClock } from '@millrace/testing'
import { DiskStorage } from '../../storage/disk-storage.ts'
import type { BrokerStorage } from '../../storage/log-storage.ts'
import { MemoryStorage } from '../../storage/memory-storage.ts'
import { logConfigOf, TOPIC_SETTINGS } from '../../topics/topic-settings.ts'
import type { LogConfig } from '../log-config.ts'
import { type Isolation, PartitionLog } from '../partition-log.ts'

export const START_MS = 1_700_000_000_000

export interface TestRecord {
  readonly key?: string | null
  readonly value?: string | null
  readonly timestampMs?: number
}

export interface TestProducer {
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
}

/** One partition's log over either storage, under a clock that stands still. */
export class LogRig implements Disposable {
  readonly clock = new MockClock(START_MS)
  config: LogConfig
  log: PartitionLog
  readonly dir: string
  storage: BrokerStorage
  #runs = 0

  constructor(kind: 'memory' | 'disk', settings: Readonly<Record<string, string>> = {}) {
    this.dir = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
    this.config = configOf(settings)
    this.storage =
      kind === 'memory'
        ? new MemoryStorage(64 * 1024 * 1024)
        : new DiskStorage({ dir: this.dir, fsync: 'never', clock: this.clock, logger: SILENT_LOGGER })
    this.log = this.#open()
  }

  configure(settings: Readonly<Record<string, string>>): void {
    this.config = configOf(settings)
  }

  /** As after the end of the process: only what is on the disk is left. */
  reopen(): void {
    this.log.close()
    this.storage.close()
    this.storage = new DiskStorage({ dir: this.dir, fsync: 'never', clock: this.clock, logger: SILENT_LOGGER })
    this.log = this.#open()
  }

  append(records: readonly TestRecord[], producer: TestProducer = {}) {
    return this.log.append(batchOf(records, this.clock.nowMs(), producer))
  }

  /** Values by offset, markers as `<abort>`, as a consumer sees them from `offset` on. */
  values(offset = this.log.startOffset, isolation: Isolation = 'read_uncommitted'): string[] {
    const seen: string[] = []
    let at = offset
    while (at < this.log.endFor(isolation)) {
      const { records, abortedTransactions } = this.log.read(at, 1 << 20, isolation, true)
      const cursor = new RecordBatchCursor({ controlRecords: isolation === 'read_uncommitted' })
      cursor.reset(Buffer.concat(records), at, abortedTransactions)
      while (cursor.next()) {
        const { buffer, valueStart, valueEnd } = cursor
        const value = valueEnd < 0 ? 'null' : buffer.toString('utf8', valueStart, valueEnd)
        seen.push(`${cursor.offset}:${cursor.control ? `<${cursor.controlType}>` : value}`)
      }
      if (cursor.position <= at) throw new Error(`Reading does not get beyond offset ${at}.`)
      at = cursor.position
    }
    return seen
  }

  [Symbol.dispose](): void {
    this.log.close()
    this.storage.close()
    rmSync(this.dir, { recursive: true, force: true })
  }

  #open(): PartitionLog {
    return new PartitionLog({
      storage: this.storage.openLog('id', 0),
      clock: this.clock,
      config: () => this.config,
      leaderEpoch: this.#runs++,
      producerIdExpirationMs: 86_400_000
    })
  }
}

export function batchOf(records: readonly TestRecord[], nowMs: number, producer: TestProducer = {}): Buffer {
  const builder = new RecordBatchBuilder()
  for (const { key = 'k', value = 'v', timestampMs = nowMs } of records) {
    const keyBytes = key === null ? null : Buffer.from(key)
    const valueBytes = value === null ? null : Buffer.from(value)
    builder.append(keyBytes, 0, keyBytes?.length ?? -1, valueBytes, 0, valueBytes?.length ?? -1, timestampMs, [])
  }
  return builder.build(producer)
}

function configOf(settings: Readonly<Record<string, string>>): LogConfig {
  return logConfigOf(name => settings[name] ?? TOPIC_SETTINGS.get(name)?.defaultValue ?? '')
}
