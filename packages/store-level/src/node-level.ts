import { Level } from 'level'

/** What LevelDB offers beyond the types of `level`, which cover browsers too. */
export interface NodeLevel extends Level<Uint8Array, Uint8Array> {
  approximateSize(start: Uint8Array, end: Uint8Array): Promise<number>
  getProperty(name: string): string
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>
}

export interface NodeLevelOptions {
  readonly cacheSize: number
  readonly writeBufferSize: number
  readonly maxOpenFiles?: number
  /** Of blocks as they are written; those that are there are read either way. */
  readonly compression?: boolean
}

/** Opens or creates a database of bytes. */
export async function openLevel(location: string, options: NodeLevelOptions): Promise<NodeLevel> {
  const db = new Level<Uint8Array, Uint8Array>(location, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    ...options
  }) as NodeLevel
  await db.open()
  return db
}

/** Deletes the files of a database that nobody has open. */
export function destroyLevel(location: string): Promise<void> {
  return (Level as unknown as { destroy(location: string): Promise<void> }).destroy(location)
}
