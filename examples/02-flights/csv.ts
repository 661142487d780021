/** The rows of a CSV text with a header line, as RFC 4180 has it: fields in quotes may hold commas, quotes and line breaks. */
export function parseCsv(text: string): Record<string, string>[] {
  const [header, ...rows] = splitCsv(text)
  if (header === undefined) return []
  return rows.map((fields, index) => {
    if (fields.length !== header.length) {
      throw new Error(`Row ${index + 1} of the CSV has ${fields.length} fields, its header has ${header.length}.`)
    }
    return Object.fromEntries(header.map((name, column) => [name, fields[column] as string]))
  })
}

function splitCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  // A field, in quotes or not, and what ends it: a comma, a line break, or the end of the text.
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y
  while (field.lastIndex < text.length) {
    const start = field.lastIndex
    const match = field.exec(text)
    if (match === null) throw new Error(`The CSV has a stray quote after character ${start}.`)
    row.push(match[1]?.replaceAll('""', '"') ?? (match[2] as string))
    if (match[3] === ',' && field.lastIndex < text.length) continue
    if (match[3] === ',') row.push('')
    rows.push(row)
    row = []
  }
  return rows
}
