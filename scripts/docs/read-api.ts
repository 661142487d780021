import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Class, type Comment, type Function as FunctionNode, type Node, parseSync } from 'oxc-parser'
import { type DocComment, parseDocComment } from './doc-comment.ts'

/** A method, function or accessor that users call. Overloads with a docstring of their own are entries of their own. */
export interface ApiEntry {
  /** Undefined for a function. */
  readonly owner: string | undefined
  readonly name: string
  /** Tells overloads apart: `join(table, joiner)`. */
  readonly title: string
  readonly signatures: readonly string[]
  /** Undefined: it has no docstring. */
  readonly doc: DocComment | undefined
  readonly file: string
}

export interface ApiType {
  readonly name: string
  readonly doc: DocComment | undefined
  readonly extends: readonly Heritage[]
  readonly members: readonly ApiMember[]
  readonly file: string
}

/** What a type takes over from another: all members, only some (`Pick`), or all but some (`Omit`). */
export interface Heritage {
  readonly name: string
  readonly picked: readonly string[] | undefined
  readonly omitted: readonly string[]
}

export interface ApiMember {
  readonly name: string
  /** The type that declares it. */
  readonly owner: string
  readonly type: string
  readonly isOptional: boolean
  readonly doc: DocComment | undefined
}

export interface Api {
  readonly entries: readonly ApiEntry[]
  readonly types: readonly ApiType[]
}

/** Reads what the files declare and export, with its docstrings. */
export function readApi(root: string, files: readonly string[]): Api {
  const entries: ApiEntry[] = []
  const types: ApiType[] = []
  for (const file of files) {
    const source = new SourceFile(root, file)
    for (const statement of source.body) {
      if (statement.type !== 'ExportNamedDeclaration') continue
      const { declaration } = statement
      if (declaration === null) continue
      const doc = source.docBefore(statement)
      if (declaration.type === 'ClassDeclaration') entries.push(...classEntries(source, declaration))
      if (declaration.type === 'FunctionDeclaration' || declaration.type === 'TSDeclareFunction') {
        const name = declaration.id?.name ?? ''
        entries.push({ ...callable(source, undefined, name, declaration), doc })
      }
      if (declaration.type === 'TSInterfaceDeclaration') {
        const name = declaration.id.name
        const members = declaration.body.body
        for (const member of members) {
          if (member.type !== 'TSMethodSignature') continue
          entries.push({ ...callable(source, name, nameOf(member.key), member), doc: source.docBefore(member) })
        }
        types.push({
          name,
          doc,
          extends: declaration.extends.map(({ expression, typeArguments }) =>
            heritage(source.text(expression), source.text(typeArguments))
          ),
          members: members.flatMap(member =>
            member.type === 'TSPropertySignature'
              ? {
                  name: nameOf(member.key),
                  owner: name,
                  type: source
                    .text(member.typeAnnotation)
                    .replace(/^:\s*/, '')
                    .replace(/ \| undefined$/, ''),
                  isOptional: member.optional,
                  doc: source.docBefore(member)
                }
              : []
          ),
          file
        })
      }
    }
  }
  return { entries: withTitles(entries), types }
}

/** Names that a module exports, following `export … from './x.ts'`: whether each is a type, and the file that declares it. */
export function readExports(root: string, index: string): ReadonlyMap<string, { isType: boolean; file: string }> {
  const exported = new Map<string, { isType: boolean; file: string }>()
  const source = new SourceFile(root, index)
  for (const statement of source.body) {
    if (statement.type !== 'ExportNamedDeclaration') continue
    const from = statement.source?.value
    const file = from?.startsWith('.') ? join(dirname(index), from) : index
    for (const specifier of statement.specifiers) {
      const isType = statement.exportKind === 'type' || specifier.exportKind === 'type'
      exported.set(source.text(specifier.exported), { isType, file })
    }
  }
  return exported
}

function classEntries(source: SourceFile, { id, body }: Class): ApiEntry[] {
  const owner = id?.name ?? ''
  const entries: ApiEntry[] = []
  const overloaded = new Set<string>()
  for (const member of body.body) {
    if (member.type !== 'MethodDefinition' && member.type !== 'TSAbstractMethodDefinition') continue
    if (member.static || member.key.type === 'PrivateIdentifier' || member.accessibility === 'private') continue
    if (member.computed) continue
    const name = nameOf(member.key)
    const isOverload = member.value.body === null
    // What implements overloads is not what is called.
    if (!isOverload && overloaded.has(name)) continue
    if (isOverload) overloaded.add(name)
    const doc = source.docBefore(member)
    const before = entries.at(-1)
    const entry = { ...callable(source, owner, name, member.value, member.kind === 'get'), doc }
    if (doc === undefined && isOverload && before?.name === name) {
      entries[entries.length - 1] = { ...before, signatures: [...before.signatures, ...entry.signatures] }
    } else entries.push(entry)
  }
  // Objects that only the library makes have no constructor to call.
  return entries.filter(({ name, doc }) => name !== 'constructor' || doc !== undefined)
}

type Callable = Pick<FunctionNode, 'typeParameters' | 'params' | 'returnType'>

function callable(source: SourceFile, owner: string | undefined, name: string, node: Callable, isGetter = false) {
  const params = (node.params as unknown as readonly Node[]).map(param => {
    if (param.type !== 'AssignmentPattern') return source.text(param)
    return source.text(param.left).replace(/^(\w+):/, '$1?:')
  })
  const shown = name === 'constructor' ? `new ${owner}` : name
  const head = shown + source.text(node.typeParameters)
  const tail = source.text(node.returnType)
  const line = isGetter ? `${shown}${tail}` : `${head}(${params.join(', ')})${tail}`
  const signature = line.length <= 100 ? line : `${head}(\n  ${params.join(',\n  ')}\n)${tail}`
  const named = params
    .filter(param => !/^\w+\?:/.test(param))
    .map(param => ({ name: /^\w+/.exec(param)?.[0] ?? '', type: /:\s*(\w+)/.exec(param)?.[1] ?? '' }))
  return { owner, name, shown, isGetter, signatures: [signature], named, title: '', file: source.file }
}

/** By the names of what must be given; overloads that have the same names, by their types. */
function withTitles(entries: readonly ApiEntry[]): ApiEntry[] {
  const parts = entries as readonly (ApiEntry & ReturnType<typeof callable>)[]
  const title = (entry: (typeof parts)[number], by: 'name' | 'type'): string => {
    const { owner, shown, isGetter, named } = entry
    const call = isGetter ? shown : `${shown}(${named.map(param => param[by]).join(', ')})`
    return owner === undefined || entry.name === 'constructor' ? call : `${owner}.${call}`
  }
  const byName = parts.map(entry => title(entry, 'name'))
  return parts.map((entry, index) => {
    const { owner, name, signatures, doc, file } = entry
    const isAmbiguous = parts.some((other, at) => at !== index && other.file === file && byName[at] === byName[index])
    return { owner, name, title: isAmbiguous ? title(entry, 'type') : (byName[index] as string), signatures, doc, file }
  })
}

/** @param types - the type arguments, as written. */
function heritage(name: string, types: string): Heritage {
  if (name !== 'Pick' && name !== 'Omit') return { name, picked: undefined, omitted: [] }
  const members = [...types.matchAll(/'(\w+)'/g)].map(match => match[1] as string)
  const base = /\w+/.exec(types)?.[0] ?? ''
  return { name: base, picked: name === 'Pick' ? members : undefined, omitted: name === 'Omit' ? members : [] }
}

function nameOf(key: Node): string {
  return 'name' in key ? String(key.name) : 'value' in key ? String(key.value) : ''
}

class SourceFile {
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
      .replace(/([(<{[]) (?=[^{])/g, (whole, open: string) => (open === '{' ? whole : open))
      .replace(/ ([)>\]])/g, '$1')
  }

  docBefore({ start }: { readonly start: number }): DocComment | undefined {
    const comment = this.#comments.findLast(({ end }) => end <= start)
    if (comment === undefined || !comment.value.startsWith('*')) return undefined
    if (this.#text.slice(comment.end, start).trim() !== '') return undefined
    return parseDocComment(this.#text.slice(comment.start, comment.end))
  }
}
