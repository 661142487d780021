import type { DocExample } from './doc-comment.ts'

/** What an example uses of `millrace`: `json`, `type Processor`. In the order of the alphabet. */
export function importsOf({ code }: Pick<DocExample, 'code'>, exported: ReadonlyMap<string, boolean>): string[] {
  const bare = code.replace(/\/\/.*$/gm, '').replace(/'[^']*'/g, "''")
  const names = [...exported.keys()].filter(name => {
    // `string()` is a serde, `string` a type.
    const use = /^[a-z]/.test(name) ? `(?<![.\\w])${name}(?=[(<])` : `(?<![.\\w])${name}\\b`
    return new RegExp(use).test(bare)
  })
  if (usesBuilder(code)) names.push('StreamsBuilder')
  return [...new Set(names)]
    .sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
    .map(name => (exported.get(name) === true ? `type ${name}` : name))
}

/** Whether the example is written on a `builder` that was made before. */
export function usesBuilder(code: string): boolean {
  return /(?<![.\w])builder\b/.test(code)
}

/** Whether it builds the topology itself, with options or by hand. */
export function buildsTopology(code: string): boolean {
  return /^const topology = /m.test(code)
}
