import { StreamsError } from '../core/index.ts'
import type { RawStore, RawWrite } from '../ports/index.ts'
import type { StoreSpec } from '../topology/index.ts'
import { LAYOUT_VERSION, META_FROM, META_TO, metaKey, readInteger, type StoreMeta, VERSION_KEY } from './raw-layout.ts'
import { timeBucketMs } from './time-bucket-engine.ts'

export interface DirectoryEntry {
  readonly id: number
  readonly layout: string
}

/** What a raw store says about the stores in it. */
export class StoreDirectory {
  private readonly entries = new Map<string, DirectoryEntry>()
  private readonly integers = new Map<string, number>()
  private nextId = 1
  private isFresh = true

  /** @throws StreamsError `STATE_FORMAT_UNKNOWN` for the layout of another version. */
  static async read(raw: RawStore, taskId: string): Promise<StoreDirectory> {
    const directory = new StoreDirectory()
    for await (const row of raw.iterate({ from: META_FROM, to: META_TO })) {
      const kind = String.fromCharCode(row.key[1] ?? 0)
      if (kind === 'f') directory.checkVersion(row.value, taskId)
      else if (kind === 'd') directory.add(row.key, row.value, taskId)
      else if (row.key.length === 4 && row.value.length === 8) {
        directory.integers.set(integerName(kind, Buffer.from(row.key).readUInt16BE(2)), readInteger(row.value, 0))
      }
    }
    return directory
  }

  /** The store's id; a new one, with the write that keeps it, when the store is not known in this layout. */
  assign(spec: StoreSpec, writes: RawWrite[]): { readonly id: number; readonly replaced: DirectoryEntry | undefined } {
    const layout = layoutOf(spec)
    const known = this.entries.get(spec.name)
    if (known?.layout === layout) return { id: known.id, replaced: undefined }
    if (this.isFresh) {
      this.isFresh = false
      writes.push({ key: VERSION_KEY, value: Uint8Array.of(LAYOUT_VERSION) })
    }
    const entry = { id: this.nextId++, layout }
    this.entries.set(spec.name, entry)
    writes.push({ key: metaKey('d', spec.name), value: Buffer.from(JSON.stringify(entry)) })
    return { id: entry.id, replaced: known }
  }

  integer(kind: StoreMeta, storeId: number): number | undefined {
    return this.integers.get(integerName(kind, storeId))
  }

  private checkVersion(value: Uint8Array, taskId: string): void {
    this.isFresh = false
    if (value[0] === LAYOUT_VERSION) return
    throw new StreamsError(
      'STATE_FORMAT_UNKNOWN',
      `The state of task ${taskId} has layout version ${value[0]}; this release reads version ${LAYOUT_VERSION}. ` +
        'It will be rebuilt from the changelogs; or run the release that wrote it.',
      { details: { taskId, found: value[0], supported: LAYOUT_VERSION } }
    )
  }

  private add(key: Uint8Array, value: Uint8Array, taskId: string): void {
    const name = Buffer.from(key).toString('utf8', 2)
    let entry: DirectoryEntry
    try {
      entry = JSON.parse(Buffer.from(value).toString()) as DirectoryEntry
    } catch (error) {
      throw new StreamsError(
        'STATE_CORRUPT',
        `The directory of task ${taskId} has an unreadable entry for store '${name}'. The task will be rebuilt from its changelogs.`,
        { cause: error, details: { taskId, store: name } }
      )
    }
    this.entries.set(name, entry)
    this.nextId = Math.max(this.nextId, entry.id + 1)
  }
}

function integerName(kind: string, storeId: number): string {
  return `${kind}${storeId}`
}

/** Two specs with the same text read each other's rows. */
function layoutOf(spec: StoreSpec): string {
  switch (spec.kind) {
    case 'timestamped-window':
    case 'window':
    case 'session': {
      const options = `${spec.retainDuplicates === true ? '/duplicates' : ''}${spec.timeOrdered === true ? '/ordered' : ''}`
      return `${spec.kind}/groups/${timeBucketMs(spec.retentionMs ?? 0)}${options}`
    }
    default:
      return spec.kind
  }
}
