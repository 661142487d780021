import { pathToFileURL } from 'node:url'
import { type KeyValueSerdes, murmur2Partition } from '@millrace/streams/core'
import type { DevSample } from './dev-plan.ts'

/** A record as it is written. */
export interface SampleRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly partition: number
}

/** The records of a sample, again and again. */
export interface SampleRecords {
  /** Of one round. */
  readonly count: number
  /** The `index`th, over all rounds. */
  at(index: number, partitionCount: number): SampleRecord
}

/** @throws Error that says what is wrong with the module, and what its serdes fail with. */
export async function sampleRecords({ topic, lines, module }: DevSample): Promise<SampleRecords> {
  return module === undefined ? ofLines(lines) : await ofModule(module, topic)
}

/** The key is the record's number; what shares a line shares a partition. */
function ofLines(lines: readonly string[]): SampleRecords {
  return {
    count: lines.length,
    at: (index, partitionCount) => ({
      key: Buffer.from(String(index)),
      value: Buffer.from(lines[index % lines.length] as string),
      partition: (index % lines.length) % partitionCount
    })
  }
}

async function ofModule(path: string, topic: string): Promise<SampleRecords> {
  const { serdes, records } = (await import(pathToFileURL(path).href)) as {
    readonly serdes?: KeyValueSerdes<unknown, unknown>
    readonly records?: readonly (readonly [key: unknown, value: unknown])[]
  }
  if (serdes === undefined || !Array.isArray(records) || records.length === 0) {
    throw new Error(`'${path}' must export \`serdes\`, { key, value }, and \`records\`, a list of [key, value].`)
  }
  const [keyContext, valueContext] = [
    { topic, isKey: true },
    { topic, isKey: false }
  ]
  await serdes.key.prepare?.(keyContext, 'write')
  await serdes.value.prepare?.(valueContext, 'write')
  const bytes = records.map(([key, value]) => ({
    key: key === null ? null : serdes.key.serialize(key, keyContext),
    value: value === null ? null : serdes.value.serialize(value, valueContext)
  }))
  return {
    count: bytes.length,
    at(index, partitionCount) {
      const { key, value } = bytes[index % bytes.length] as (typeof bytes)[number]
      return { key, value, partition: key === null ? index % partitionCount : murmur2Partition(key, partitionCount) }
    }
  }
}
