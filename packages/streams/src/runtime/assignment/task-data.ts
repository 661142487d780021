/** What a member tells the leader of itself, and what the leader tells a member of its tasks: the assignor's user data. */
export interface TaskData {
  /** Stable across restarts, so that equal claims are settled equally. */
  readonly processName: string
  /**
   * By task id. From a member: the tasks that it has state for, with the sum of the offsets up to which it is restored (0: unknown).
   * From the leader: the tasks meant for the member, those included that others have yet to give up; the values say nothing.
   */
  readonly tasks: ReadonlyMap<string, number>
}

/** Newer versions only append, so that members of both can be in one group while an application is upgraded. */
const VERSION = 1
const CONTINUE = 0x80

/**
 * Version (one byte), name length, name, count of sub-topologies; each: its id, count of tasks; each: partition, offset sum.
 * Numbers are varints without sign: seven bits a byte, the lowest first.
 */
export function encodeTaskData({ processName, tasks }: TaskData): Uint8Array {
  const bytes: number[] = [VERSION]
  const name = new TextEncoder().encode(processName)
  writeVarint(bytes, name.length)
  for (const byte of name) bytes.push(byte)

  const bySubTopology = new Map<number, { partition: number; offsetSum: number }[]>()
  for (const [taskId, offsetSum] of tasks) {
    const [subTopologyId, partition] = taskId.split('_').map(Number) as [number, number]
    const list = bySubTopology.get(subTopologyId)
    if (list === undefined) bySubTopology.set(subTopologyId, [{ partition, offsetSum }])
    else list.push({ partition, offsetSum })
  }
  writeVarint(bytes, bySubTopology.size)
  for (const [subTopologyId, list] of [...bySubTopology].sort(([a], [b]) => a - b)) {
    writeVarint(bytes, subTopologyId)
    writeVarint(bytes, list.length)
    for (const { partition, offsetSum } of list.sort((a, b) => a.partition - b.partition)) {
      writeVarint(bytes, partition)
      writeVarint(bytes, offsetSum)
    }
  }
  return Uint8Array.from(bytes)
}

/** Undefined when the bytes are not of this format: then nothing is known of the member, and it is treated as empty. */
export function decodeTaskData(bytes: Uint8Array): TaskData | undefined {
  const reader = new VarintReader(bytes)
  if (reader.next() < 1) return undefined
  const processName = new TextDecoder().decode(reader.bytes(reader.next()))
  const tasks = new Map<string, number>()
  const subTopologyCount = reader.next()
  for (let i = 0; i < subTopologyCount && reader.sound; i++) {
    const subTopologyId = reader.next()
    const taskCount = reader.next()
    for (let j = 0; j < taskCount && reader.sound; j++) {
      const taskId = `${subTopologyId}_${reader.next()}`
      tasks.set(taskId, reader.next())
    }
  }
  return reader.sound ? { processName, tasks } : undefined
}

/** Offset sums pass 2^32, so this divides instead of shifting. */
function writeVarint(bytes: number[], value: number): void {
  let rest = value
  while (rest >= CONTINUE) {
    bytes.push((rest % CONTINUE) + CONTINUE)
    rest = Math.floor(rest / CONTINUE)
  }
  bytes.push(rest)
}

class VarintReader {
  /** False after a read past the end. */
  sound = true
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  next(): number {
    let value = 0
    for (let weight = 1; ; weight *= CONTINUE) {
      const byte = this.#bytes[this.#position++]
      if (byte === undefined || weight > Number.MAX_SAFE_INTEGER) {
        this.sound = false
        return -1
      }
      value += (byte % CONTINUE) * weight
      if (byte < CONTINUE) return value
    }
  }

  bytes(length: number): Uint8Array {
    if (length < 0 || this.#position + length > this.#bytes.length) this.sound = false
    const view = this.#bytes.subarray(this.#position, this.#position + Math.max(0, length))
    this.#position += length
    return view
  }
}
