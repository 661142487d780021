/** Why a part of a request is not done. */
export interface Refusal {
  readonly errorCode: number
  readonly errorMessage: string | null
}

export function refusal(errorCode: number, errorMessage: string | null): Refusal {
  return { errorCode, errorMessage }
}

/** What stands in a list more than once. */
export function duplicatesIn<T>(items: readonly T[]): ReadonlySet<T> {
  const seen = new Set<T>()
  const twice = new Set<T>()
  for (const item of items) {
    if (seen.has(item)) twice.add(item)
    seen.add(item)
  }
  return twice
}
