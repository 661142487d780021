import { globSync, statSync } from 'node:fs'

/** Bytes on disk of all databases below a state directory; 0 of stores in memory, which have none. */
export function stateBytesIn(stateDir: string | undefined): number {
  if (stateDir === undefined) return 0
  let bytes = 0
  for (const file of globSync(`${stateDir}/**/db/*`)) {
    // LevelDB deletes files as it likes.
    bytes += statSync(file, { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}
