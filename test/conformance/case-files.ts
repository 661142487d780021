import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ConformanceCase } from './case-format.ts'

/** The cases of files, and of the `.json` files in folders. */
export function casesOf(paths: readonly string[]): ConformanceCase[] {
  return paths.flatMap(filesOf).flatMap(file => {
    const cases = JSON.parse(readFileSync(file, 'utf8')) as ConformanceCase | readonly ConformanceCase[]
    return Array.isArray(cases) ? cases : [cases as ConformanceCase]
  })
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => join(path, name))
}
