import { type ErrorCode, StreamsError } from '@millrace/streams/core'

/** What a database was doing when it failed. */
export type LevelStep = 'open' | 'read' | 'write'

/** Whether the database could not be opened because somebody, this process included, has it open. */
export function isLocked(error: unknown): boolean {
  return causes(error).some(cause => cause.code === 'LEVEL_LOCKED')
}

/** Turns a failure of LevelDB into the error whose code says what its catcher does. */
export function levelError(error: unknown, step: LevelStep, location: string): StreamsError {
  const chain = causes(error)
  const text = chain.map(cause => cause.message).join(': ')
  const details = { location, step }
  const because = `: ${chain.at(-1)?.message ?? String(error)}.`
  if (chain.some(cause => cause.code === 'LEVEL_DATABASE_NOT_OPEN') && step !== 'open') {
    return new StreamsError('STORE_CLOSED', `The state in '${location}' was used after it was closed.`, {
      cause: error,
      details
    })
  }
  if (isCorruption(chain, text, step)) {
    const message = `The state in '${location}' is damaged${because} It will be rebuilt from the changelogs.`
    return new StreamsError('STATE_CORRUPT', message, { cause: error, details })
  }
  const code: ErrorCode = step === 'write' ? 'STATE_WRITE_FAILED' : 'STATE_DIRECTORY_UNUSABLE'
  const what = step === 'write' ? 'Cannot write state to' : 'Cannot use the state directory'
  const message = `${what} '${location}'${because} ${remedyOf(text)} Nothing that was committed is lost.`
  return new StreamsError(code, message, { cause: error, details })
}

/** A table file that cannot be read is as damaged as one whose checksum is wrong: LevelDB calls some of that an IO error. */
function isCorruption(chain: readonly ErrorInChain[], text: string, step: LevelStep): boolean {
  if (chain.some(cause => cause.code === 'LEVEL_CORRUPTION') || text.includes('Corruption:')) return true
  return step === 'read' && /\.(ldb|sst|log)\b/.test(text)
}

function remedyOf(text: string): string {
  if (/ENOSPC|No space left|EDQUOT|quota/i.test(text))
    return 'Free disk space or set another stateDir, then start again.'
  if (/EFBIG|File too large/i.test(text)) return 'Raise the file size limit of the process, then start again.'
  // A recursive mkdir of Node on a read-only file system fails with ENOENT.
  if (/EACCES|EPERM|EROFS|Permission denied|Read-only|ENOENT.*mkdir/i.test(text)) {
    return 'Make it writable for this user or set another stateDir, then start again.'
  }
  if (/ENOTDIR|EEXIST|Not a directory/i.test(text)) {
    return 'A file lies where a directory should be: move it or set another stateDir, then start again.'
  }
  if (/EMFILE|Too many open files/i.test(text)) return 'Raise the limit of open files, then start again.'
  return 'Check the disk or set another stateDir, then start again.'
}

interface ErrorInChain {
  readonly code: unknown
  readonly message: string
}

function causes(error: unknown): ErrorInChain[] {
  const chain: ErrorInChain[] = []
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    chain.push({ code: 'code' in at ? at.code : undefined, message: at.message })
  }
  return chain
}
