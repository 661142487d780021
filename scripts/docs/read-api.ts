import { dirname, join } from 'node:path'
import type { Class, Function as FunctionNode, Node } from 'oxc-parser'
import type { DocComment } from './doc-comment.ts'
import { SourceFile } from './source-file.ts'

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
  const entries: Callable[] = []
  const types: ApiType[] = []
  for (const file of files) {
    const source = new SourceFile(root, file)
    const overloaded = new Set<string>()
    for (const statement of source.body) {
      if (statement.type !== 'ExportNamedDeclaration') continue
      const { declaration } = statement
      if (declaration === null) continue
      const doc = source.docBefore(statement)
      if (declaration.type === 'ClassDeclaration') entries.push(...classEntries(source, declaration))
      if (declaration.type === 'FunctionDeclaration' || declaration.type === 'TSDeclareFunction') {
        const name = declaration.id?.name ?? ''
        if (declaration.type === 'TSDeclareFunction') overloaded.add(name)
        // What stands behind overloads is no signature of its own.
        else if (overloaded.has(name)) continue
        entries.push(callable(source, undefined, name, declaration, doc))
      }
      if (declaration.type === 'TSInterfaceDeclaration') {
        const name = declaration.id.name
        const members = declaration.body.body
        for (const member of members) {
          if (member.type !== 'TSMethodSignature') continue
          entries.push(callable(source, name, nameOf(member.key), member, source.docBefore(member)))
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

function classEntries(source: SourceFile, { id, body }: Class): Callable[] {
  const owner = id?.name ?? ''
  const entries: Callable[] = []
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
    const entry = callable(source, owner, name, member.value, doc, member.kind === 'get')
    if (doc === undefined && isOverload && before?.name === name) {
      entries[entries.length - 1] = { ...before, signatures: [...before.signatures, ...entry.signatures] }
    } else entries.push(entry)
  }
  // Objects that only the library makes have no constructor to call.
  return entries.filter(({ name, doc }) => name !== 'constructor' || doc !== undefined)
}

/** An entry before it is known whether its title is another's, too. */
interface Callable extends ApiEntry {
  readonly titleByTypes: string
}

type CallableNode = Pick<FunctionNode, 'typeParameters' | 'params' | 'returnType'>

function callable(
  source: SourceFile,
  owner: string | undefined,
  name: string,
  node: CallableNode,
  doc: DocComment | undefined,
  isGetter = false
): Callable {
  const params = (node.params as unknown as readonly Node[]).map(param =>
    // With a default, it may be left out.
    param.type === 'AssignmentPattern' ? source.text(param.left).replace(/^(\w+):/, '$1?:') : source.text(param)
  )
  const shown = name === 'constructor' ? `new ${owner}` : name
  const head = shown + source.text(node.typeParameters)
  const tail = source.text(node.returnType)
  const line = isGetter ? `${shown}${tail}` : `${head}(${params.join(', ')})${tail}`
  const signature = line.length <= 100 ? line : `${head}(\n  ${params.join(',\n  ')}\n)${tail}`

  const required = params.filter(param => !/^\w+\?:/.test(param))
  const titleWith = (part: RegExp): string => {
    const call = isGetter ? shown : `${shown}(${required.map(param => part.exec(param)?.[1] ?? '').join(', ')})`
    return owner === undefined || name === 'constructor' ? call : `${owner}.${call}`
  }
  const title = titleWith(/^(\w+)/)
  return { owner, name, title, titleByTypes: titleWith(/:\s*(\w+)/), signatures: [signature], doc, file: source.file }
}

/** By the names of what must be given; overloads that have the same names, by their types. */
function withTitles(callables: readonly Callable[]): ApiEntry[] {
  return callables.map(one => {
    const { titleByTypes, ...entry } = one
    const isAmbiguous = callables.some(other => other !== one && other.file === one.file && other.title === one.title)
    return isAmbiguous ? { ...entry, title: titleByTypes } : entry
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
