/**
 * A pattern that matches whole topic names, as Kafka's do: `/clicks/` does not read `clicks-by-page`. Without the flags that
 * would make `test` depend on earlier calls.
 */
export function wholeName(pattern: RegExp): RegExp {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''))
}

/** The text of the pattern as it was written. */
export function writtenPattern(wholeName: RegExp): string {
  return wholeName.source.slice('^(?:'.length, -')$'.length).replaceAll('\\/', '/')
}
