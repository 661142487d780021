// Adds to package-lock.json the optional packages of other platforms that npm left out: it does when node_modules exists
// already, or when its registry does not carry them. `npm ci` refuses a lock file with such gaps. Entries made here have
// the exact version, but no checksum; `npm install` on such a platform adds it. Run after a change of dependencies.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { completeLock, type LockFile } from './complete-lock.ts'
import { ROOT } from './run.ts'

const file = join(ROOT, 'package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8')) as LockFile
const added = completeLock(lock)
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
process.stdout.write(added.length === 0 ? 'Nothing is missing.\n' : `Added: ${added.join(', ')}\n`)
