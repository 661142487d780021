const WIDTH = 60

/**
 * Two lists of lines in columns, expected on the left, with a mark where they differ. Lines that are in both stand beside each
 * other, whatever is missing or added between them.
 */
export function sideBySide(expected: readonly string[], got: readonly string[], areEqual: Comparison): string {
  const rows: [mark: string, left: string, right: string][] = [['', 'expected', 'got']]
  for (const [left, right] of aligned(expected, got, areEqual)) {
    const isSame = left !== undefined && right !== undefined && areEqual(left, right)
    rows.push([isSame ? '' : '✗', lineAt(expected, left), lineAt(got, right)])
  }
  const width = Math.min(WIDTH, Math.max(...rows.map(([, left]) => left.length)))
  return rows.map(([mark, left, right]) => `${mark.padEnd(2)} ${left.padEnd(width)}   ${right}`.trimEnd()).join('\n')
}

/** Of lines by their indexes: what is shown may leave out what need not be equal. */
type Comparison = (expectedIndex: number, gotIndex: number) => boolean

function lineAt(lines: readonly string[], index: number | undefined): string {
  return index === undefined ? '–' : (lines[index] as string)
}

/** By the longest common subsequence; what is left between equal lines is paired in order. */
function aligned(
  expected: readonly string[],
  got: readonly string[],
  areEqual: Comparison
): [number | undefined, number | undefined][] {
  const lengths = Array.from({ length: expected.length + 1 }, () => Array.from({ length: got.length + 1 }, () => 0))
  const lengthAt = (i: number, j: number) => lengths[i]?.[j] ?? 0
  for (let i = expected.length - 1; i >= 0; i--) {
    for (let j = got.length - 1; j >= 0; j--) {
      const length = areEqual(i, j) ? lengthAt(i + 1, j + 1) + 1 : Math.max(lengthAt(i + 1, j), lengthAt(i, j + 1))
      const row = lengths[i]
      if (row !== undefined) row[j] = length
    }
  }
  const pairs: [number | undefined, number | undefined][] = []
  const missing: number[] = []
  const extra: number[] = []
  const flush = () => {
    for (let n = 0; n < Math.max(missing.length, extra.length); n++) pairs.push([missing[n], extra[n]])
    missing.length = extra.length = 0
  }
  let i = 0
  let j = 0
  while (i < expected.length || j < got.length) {
    if (i < expected.length && j < got.length && areEqual(i, j)) {
      flush()
      pairs.push([i++, j++])
    } else if (j >= got.length || (i < expected.length && lengthAt(i + 1, j) >= lengthAt(i, j + 1))) missing.push(i++)
    else extra.push(j++)
  }
  flush()
  return pairs
}
