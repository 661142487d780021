import { StreamsError } from '@millrace/streams/core'

/** Points at the place: the line of the text, and a mark below it. */
export function notationError(text: string, position: number, problem: string): StreamsError {
  const lineStart = text.lastIndexOf('\n', position - 1) + 1
  const lineEnd = text.indexOf('\n', position)
  const line = text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd)
  const lineNumber = text.slice(0, lineStart).split('\n').length
  const column = position - lineStart + 1
  return new StreamsError(
    'TEST_NOTATION_INVALID',
    `Line ${lineNumber}, column ${column}: ${problem}.\n  ${line}\n  ${' '.repeat(column - 1)}^\n`,
    { details: { line: lineNumber, column, position } }
  )
}
