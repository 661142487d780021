import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Of the table files of a database that is not open; 0 where there is none. What cannot be read is left to whoever opens it. */
export async function tableBytesIn(location: string): Promise<number> {
  const names = await readdir(location).catch(() => [])
  const sizes = names
    .filter(name => name.endsWith('.ldb'))
    .map(name =>
      stat(join(location, name)).then(
        ({ size }) => size,
        () => 0
      )
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
