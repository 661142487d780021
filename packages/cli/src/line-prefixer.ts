import { StringDecoder } from 'node:string_decoder'

/** Passes text on in whole lines, each behind a prefix, so that the lines of several processes do not mix. */
export class LinePrefixer {
  readonly #prefix: string
  readonly #write: (text: string) => void
  /** A chunk may end inside a character. */
  readonly #decoder = new StringDecoder('utf8')
  #unfinished = ''

  constructor(prefix: string, write: (text: string) => void) {
    this.#prefix = prefix
    this.#write = write
  }

  add(chunk: Buffer): void {
    const lines = (this.#unfinished + this.#decoder.write(chunk)).split('\n')
    this.#unfinished = lines.pop() ?? ''
    if (lines.length > 0) this.#write(lines.map(line => `${this.#prefix}${line}\n`).join(''))
  }

  /** Passes on a last line that has no end. */
  end(): void {
    const rest = this.#unfinished + this.#decoder.end()
    this.#unfinished = ''
    if (rest !== '') this.#write(`${this.#prefix}${rest}\n`)
  }
}
