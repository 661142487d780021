/** A value in the words of an error that tells what was given in place of something else: `a number, 7`. */
export function described(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object') {
    return `a ${typeof value}, ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`
  }
  const { name = 'Object' } = (value.constructor ?? {}) as { readonly name?: string }
  return name === 'Object' || name === '' ? 'an object' : `a ${name}`
}
