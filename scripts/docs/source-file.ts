import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Comment, parseSync } from 'oxc-parser'
import { type DocComment, parseDocComment } from './doc-comment.ts'

/** A parsed file of TypeScript, whose comments are found by what they stand before. */
export class SourceFile {
  readonly file: string
  readonly body: ReturnType<typeof parseSync>['program']['body']
  readonly #text: string
  readonly #comments: readonly Comment[]

  constructor(root: string, file: string) {
    this.file = file
    this.#text = readFileSync(join(root, file), 'utf8')
    const { program, comments, errors } = parseSync(file, this.#text)
    if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
    this.body = program.body
    this.#comments = comments
  }

  /** As written, on one line. */
  text(node: { readonly start: number; readonly end: number } | null | undefined): string {
    if (node === null || node === undefined) return ''
    return this.#text
      .slice(node.start, node.end)
      .replace(/\s+/g, ' ')
      .replace(/([(<[]) /g, '$1')
      .replace(/ ([)>\]])/g, '$1')
  }

  /** The docstring that ends where the node begins. */
  docBefore({ start }: { readonly start: number }): DocComment | undefined {
    const comment = this.#comments.findLast(({ end }) => end <= start)
    if (comment === undefined || !comment.value.startsWith('*')) return undefined
    if (this.#text.slice(comment.end, start).trim() !== '') return undefined
    return parseDocComment(this.#text.slice(comment.start, comment.end))
  }
}
