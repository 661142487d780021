import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ConformanceCase } from './case-format.ts'

/**
 * The cases of files, and of the `.json` files in folders.
 *
 * @throws Error that names the path, and what is wrong with it.
 */
export function casesOf(paths: readonly string[]): ConformanceCase[] {
  return paths.flatMap(filesOf).flatMap(file => {
    const read = jsonOf(file)
    const cases = Array.isArray(read) ? read : [read]
    if (cases.length === 0) throw new Error(`${file} holds no cases.`)
    return cases.map((testCase, index) => checked(testCase, `${file}, case ${index + 1}`))
  })
}

function filesOf(path: string): string[] {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new Error(`${path} does not exist.`)
  if (!stats.isDirectory()) return [path]
  const files = readdirSync(path).filter(name => name.endsWith('.json'))
  if (files.length === 0) throw new Error(`${path} has no .json files.`)
  return files.sort().map(name => join(path, name))
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`)
  }
}

function checked(read: unknown, where: string): ConformanceCase {
  if (typeof read !== 'object' || read === null) throw new Error(`${where} is no object.`)
  const { id, area, nodes, steps, expect } = read as Partial<ConformanceCase>
  if (typeof id !== 'string' || typeof area !== 'string') throw new Error(`${where} has no id and area.`)
  if (!Array.isArray(nodes) || !Array.isArray(steps))
    throw new Error(`${where}, '${id}', has no lists of nodes and steps.`)
  if (!Array.isArray(expect?.outputs)) {
    throw new Error(`${where}, '${id}', does not tell what is expected: 'expect' with 'outputs' is missing.`)
  }
  return read as ConformanceCase
}
