import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { completeLock, type LockFile, missingOptional } from './complete-lock.ts'
import { ROOT } from './run.ts'

const lockWith = (optionalDependencies: Record<string, string>): LockFile => ({
  packages: {
    '': {},
    'node_modules/tool': { version: '1.2.3', dev: true, optionalDependencies },
    'node_modules/tool/node_modules/tool-linux-x64': { version: '1.2.3' }
  }
})

test('the lock file holds every optional package that it names, or `npm ci` refuses it', () => {
  // When this fails, run `node scripts/complete-lock-cli.ts`.
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as LockFile
  expect(missingOptional(lock).map(({ name }) => name)).toEqual([])
})

test('adds what other platforms need, with its platform', () => {
  const lock = lockWith({
    'tool-linux-x64': '1.2.3',
    '@tool/linux-arm-musleabihf': '1.2.3',
    'tool-win32-x64-msvc': '1.2.3'
  })
  expect(completeLock(lock)).toEqual(['@tool/linux-arm-musleabihf', 'tool-win32-x64-msvc'])
  expect(lock.packages['node_modules/@tool/linux-arm-musleabihf']).toEqual({
    ...{ version: '1.2.3', cpu: ['arm'], dev: true, libc: ['musl'], optional: true, os: ['linux'] }
  })
  expect(lock.packages['node_modules/tool-win32-x64-msvc']).toMatchObject({ cpu: ['x64'], os: ['win32'] })
  expect(missingOptional(lock)).toEqual([])
})

test('guesses no version', () => {
  expect(() => completeLock(lockWith({ 'tool-win32-x64': '^1.2.3' }))).toThrow("Can't tell how to lock")
})
