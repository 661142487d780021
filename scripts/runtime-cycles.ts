import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IModule } from 'dependency-cruiser'

/**
 * Groups of modules that need each other at run time, each as a closed path. A type may point back: `import type` is
 * gone when the code runs. dependency-cruiser's own rule can't tell the two apart with the swc parser.
 */
export function runtimeCycles(modules: readonly IModule[], baseDir: string): string[][] {
  const imports = new Map(modules.map(module => [module.source, runtimeImports(module, baseDir)]))
  const finished = new Set<string>()
  const path: string[] = []
  const cycles: string[][] = []

  const visit = (source: string): void => {
    if (finished.has(source)) return
    const start = path.indexOf(source)
    if (start >= 0) {
      cycles.push([...path.slice(start), source])
      return
    }
    path.push(source)
    for (const target of imports.get(source) ?? []) visit(target)
    path.pop()
    finished.add(source)
  }
  for (const source of [...imports.keys()].sort()) visit(source)
  return cycles
}

function runtimeImports({ source, dependencies }: IModule, baseDir: string): string[] {
  const inside = dependencies.filter(({ dependencyTypes }) => !dependencyTypes.some(type => /^(npm|core)/.test(type)))
  if (inside.length === 0) return []
  const text = readFileSync(join(baseDir, source), 'utf8')
  return inside.filter(({ module }) => importedAtRunTime(text, module)).map(({ resolved }) => resolved)
}

function importedAtRunTime(text: string, specifier: string): boolean {
  const quoted = specifier.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const statements = text.match(new RegExp(`^(import|export)\\b[^'"]*['"]${quoted}['"]`, 'gm')) ?? []
  // None at the start of a line: a dynamic import, which is one at run time.
  return statements.length === 0 || statements.some(statement => !/^(import|export) type\b/.test(statement))
}
