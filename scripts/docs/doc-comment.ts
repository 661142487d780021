/** A docstring, taken apart. Texts are markdown. */
export interface DocComment {
  readonly text: string
  readonly params: readonly { readonly name: string; readonly text: string }[]
  readonly returns: string | undefined
  readonly throws: readonly string[]
  /** What a reader of Kafka Streams' documentation looks for: `KStream#filter`, a KIP. */
  readonly kafka: readonly string[]
  readonly examples: readonly DocExample[]
  /** Of an option: what it is when it is not given. */
  readonly defaultValue: string | undefined
  /** Of an option: `1 to 10`. */
  readonly range: string | undefined
  /** Public for other packages of the project; no user needs it. */
  readonly isInternal: boolean
}

export interface DocExample {
  /** What stands before the code. */
  readonly text: string
  readonly code: string
  /** One step a line: what is done, an arrow, what comes of it. */
  readonly steps: readonly string[]
}

const KAFKA = /^Kafka(?: Streams)?[ :]+/

/** @param comment - from its opening to its closing mark. */
export function parseDocComment(comment: string): DocComment {
  const lines = comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/$/, '')
    .split('\n')
    .map(line => line.replace(/^\s*\*? ?/, '').trimEnd())
  const [text = '', ...tags] = blocks(lines)
  const all = tags.map(block => {
    const [, tag = '', body = ''] = /^@(\w+)\s*([\s\S]*)$/.exec(block) ?? []
    return { tag, body: body.trim() }
  })
  const bodies = (name: string): string[] => all.filter(({ tag }) => tag === name).map(({ body }) => body)
  return {
    text,
    params: [...bodies('param'), ...bodies('typeParam')].map(body => {
      const [, name = '', rest = ''] = /^(\S+)\s+-?\s*([\s\S]*)$/.exec(body) ?? []
      return { name, text: rest }
    }),
    returns: bodies('returns')[0],
    throws: bodies('throws').map(body => body.replace(/^StreamsError\s*/, '')),
    kafka: bodies('see')
      .filter(body => KAFKA.test(body))
      .map(body => body.replace(KAFKA, '')),
    examples: bodies('example').map(parseExample),
    defaultValue: bodies('default')[0],
    range: bodies('range')[0],
    isInternal: bodies('internal').length > 0
  }
}

/** The text before the first tag, then each tag with its text. A line that begins with `@` inside code is code. */
function blocks(lines: readonly string[]): string[] {
  const found: string[][] = [[]]
  let isCode = false
  for (const line of lines) {
    if (line.startsWith('```')) isCode = !isCode
    if (!isCode && line.startsWith('@')) found.push([])
    found.at(-1)?.push(line)
  }
  return found.map(block => block.join('\n').trim())
}

function parseExample(body: string): DocExample {
  const match = /^([\s\S]*?)```ts\n([\s\S]*?)\n```(?:\n```text\n([\s\S]*?)\n```)?$/.exec(body)
  if (match === null) throw new Error(`An @example needs a block of ts and one of text:\n${body}`)
  const [, text = '', code = '', steps] = match
  return { text: text.trim(), code, steps: steps === undefined ? [] : steps.split('\n') }
}
