import { closeSync, fsyncSync, openSync } from 'node:fs'

/** So that the names of new files outlive the machine, as their bytes do. Windows opens no directories. */
export function syncDirectory(path: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
