import { writeSync } from 'node:fs'

/** Writes all of `bytes`: one call may write less. What a write before this one left behind there is overwritten. */
export function writeAt(fd: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at)
}
