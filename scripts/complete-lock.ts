export interface LockedPackage {
  version?: string
  cpu?: string[]
  dev?: true
  devOptional?: true
  libc?: string[]
  optional?: true
  os?: string[]
  optionalDependencies?: Record<string, string>
}

export interface LockFile {
  packages: Record<string, LockedPackage>
}

const PLATFORM =
  /(android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-([a-z0-9_]+?)(?:-(eabi|gnueabihf|musleabihf|gnu|musl|msvc))?$/

/** Adds an entry for every platform package that some entry names and none describes. Returns the names added. */
export function completeLock(lock: LockFile): string[] {
  const added: string[] = []
  for (const { parent, name, range } of missingOptional(lock)) {
    const platform = PLATFORM.exec(name)
    // Only what needs no choice: an exact version of a package whose name says its platform.
    if (platform === null || !/^\d+\.\d+\.\d+$/.test(range)) throw new Error(`Can't tell how to lock ${name}@${range}.`)
    const [, os, cpu, abi] = platform as unknown as [string, string, string, string | undefined]
    lock.packages[`node_modules/${name}`] = {
      version: range,
      cpu: [cpu],
      ...(parent.dev === true && { dev: true }),
      ...(parent.devOptional === true && { devOptional: true }),
      ...(os === 'linux' && abi !== undefined && { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] }),
      optional: true,
      os: [os]
    }
    added.push(name)
  }
  const { '': root, ...packages } = lock.packages
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
  lock.packages = { ...(root && { '': root }), ...Object.fromEntries(sorted) }
  return added
}

/** Optional dependencies that the lock file promises and does not hold. */
export function missingOptional(lock: LockFile): { parent: LockedPackage; name: string; range: string }[] {
  return Object.entries(lock.packages).flatMap(([path, parent]) =>
    Object.entries(parent.optionalDependencies ?? {})
      .filter(([name]) => !isHeld(lock, path, name))
      .map(([name, range]) => ({ parent, name, range }))
  )
}

/** As Node looks a package up: beside its parent, then in every folder above. */
function isHeld(lock: LockFile, path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    if (`${folder === '' ? '' : `${folder}/`}node_modules/${name}` in lock.packages) return true
    if (folder === '') return false
  }
}
