import { StreamsError } from '../../core/index.ts'

/**
 * What travels in the metadata of a committed input offset, and so commits in the same transaction and moves with the
 * task: the partition's time, and the states of the task's nodes.
 *
 * Layout, version 1, text, numbers in base 36: `M1|<partition time>|<hash>=<value>,<hash>=<value>…`.
 * Kafka Streams keeps only the partition time here (its `TopicPartitionMetadata`) and forgets the rest at a restart.
 */
export interface OffsetMetadata {
  readonly partitionTimeMs: number
  readonly nodeStates: ReadonlyMap<string, number>
}

const PREFIX = 'M1|'
/** The broker's default `offset.metadata.max.bytes`. All characters used here are one byte. */
const MAX_LENGTH = 4096

const NO_METADATA: OffsetMetadata = { partitionTimeMs: -1, nodeStates: new Map() }

/** @throws StreamsError `TASK_OFFSET_METADATA_INVALID` when it does not fit. */
export function encodeOffsetMetadata(metadata: OffsetMetadata): string {
  let text = `${PREFIX}${metadata.partitionTimeMs.toString(36)}|`
  let separator = ''
  for (const [hash, value] of metadata.nodeStates) {
    text += `${separator}${hash}=${value.toString(36)}`
    separator = ','
  }
  if (text.length > MAX_LENGTH) {
    throw new StreamsError(
      'TASK_OFFSET_METADATA_INVALID',
      `The states of ${metadata.nodeStates.size} nodes need ${text.length} bytes in the offset metadata, which may hold ${MAX_LENGTH}. ` +
        'Split the topology in two with an intermediate topic.',
      { details: { nodeStates: metadata.nodeStates.size, bytes: text.length, maxBytes: MAX_LENGTH } }
    )
  }
  return text
}

/** Metadata of somebody else (a reset tool, another framework) or of a newer version counts as none. */
export function decodeOffsetMetadata(text: string): OffsetMetadata {
  if (!text.startsWith(PREFIX)) return NO_METADATA
  const [, time = '', states = ''] = text.split('|')
  const partitionTimeMs = parseInt36(time)
  if (partitionTimeMs === undefined) return NO_METADATA

  const nodeStates = new Map<string, number>()
  if (states !== '') {
    for (const entry of states.split(',')) {
      const [hash, digits] = entry.split('=')
      const value = digits === undefined ? undefined : parseInt36(digits)
      if (hash === undefined || value === undefined) return NO_METADATA
      nodeStates.set(hash, value)
    }
  }
  return { partitionTimeMs, nodeStates }
}

function parseInt36(digits: string): number | undefined {
  if (!/^-?[0-9a-z]+$/.test(digits)) return undefined
  const value = Number.parseInt(digits, 36)
  return Number.isSafeInteger(value) ? value : undefined
}
