import { described } from './described.ts'
import { StreamsError } from './errors.ts'

/**
 * Refuses options that do not exist: a misspelt option would otherwise be ignored in silence.
 *
 * @param where - what the options were given to, for example `count()`.
 * @throws StreamsError `CONFIG_UNKNOWN_OPTION` with the nearest name that exists; `CONFIG_INVALID` if it is no object.
 */
export function checkOptions(where: string, options: object, allowed: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new StreamsError('CONFIG_INVALID', `${where} takes an object of options, not ${described(options)}.`)
  }
  for (const name of Object.keys(options)) {
    if (allowed.includes(name)) continue
    const nearest = nearestName(name, allowed)
    const hint = nearest === undefined ? `It takes ${list(allowed)}.` : `Did you mean '${nearest}'?`
    throw new StreamsError('CONFIG_UNKNOWN_OPTION', `${where} has no option '${name}'. ${hint}`, {
      details: { where, option: name, nearest, allowed }
    })
  }
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map(name => `'${name}'`).join(', ')
}

/** The name with the fewest edits, unless even that is another word. */
function nearestName(name: string, allowed: readonly string[]): string | undefined {
  let nearest: string | undefined
  let fewest = Math.max(2, Math.floor(name.length / 2)) + 1
  for (const candidate of allowed) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (edits < fewest) {
      fewest = edits
      nearest = candidate
    }
  }
  return nearest
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
