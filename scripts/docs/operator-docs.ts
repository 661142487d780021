import type { DocExample } from './doc-comment.ts'
import { OPERATOR_SECTIONS, type OperatorSection } from './operator-sections.ts'
import { type ApiEntry, type ApiMember, type ApiType, readApi, readExports } from './read-api.ts'

/** What docs/operators.md and its examples are made of. */
export interface OperatorDocs {
  readonly sections: readonly { readonly section: OperatorSection; readonly entries: readonly ApiEntry[] }[]
  /** What operators take as options, by name; with the members that they inherit. */
  readonly options: readonly ApiType[]
  /** Names that `millrace` exports; true: a type. */
  readonly exported: ReadonlyMap<string, boolean>
}

/** An example with the words that lead to it: a title, and a number where there are several. */
export interface NamedExample extends DocExample {
  readonly of: string
}

const FACADE = 'packages/millrace/src/index.ts'
const LAYERS = ['core', 'topology', 'dsl'].map(layer => `packages/streams/src/${layer}/index.ts`)

/** What a processor is given; its other interfaces are implemented, not called. */
const CALLED_INTERFACES: readonly string[] = ['ProcessorContext', 'Cancellable']
/** Documented elsewhere: docs/errors.md. */
const NOT_OPERATORS: readonly string[] = ['isStreamsError', 'StreamsError']

export function readOperatorDocs(root: string): OperatorDocs {
  const exported = new Map([...readExports(root, FACADE)].map(([name, { isType }]) => [name, isType]))
  const declared = LAYERS.flatMap(index => [...readExports(root, index)])
  const files = new Set(declared.map(([, { file }]) => file))
  const classes = declared.filter(([, { isType }]) => !isType).map(([name]) => name)
  const { entries, types } = readApi(root, [...files])

  const fileOf = new Map(declared.map(([name, { file }]) => [name, file]))
  const called = entries.filter(({ owner, name, doc, file }) => {
    if (doc?.isInternal === true || NOT_OPERATORS.includes(owner ?? name)) return false
    if (owner === undefined) return exported.get(name) === false && fileOf.get(name) === file
    return classes.includes(owner) ? exported.has(owner) : CALLED_INTERFACES.includes(owner)
  })
  const byName = new Map(types.map(type => [type.name, type]))
  return {
    sections: sectionsOf(called),
    options: types
      .filter(({ name }) => exported.has(name) && name.endsWith('Options'))
      .map(type => ({ ...type, members: allMembers(type, byName) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    exported
  }
}

export function examplesOf({ sections, options }: OperatorDocs): NamedExample[] {
  const entries = sections.flatMap(({ entries }) => entries)
  const members = options.flatMap(({ name, members }) =>
    members
      .filter(member => member.owner === name)
      .map(member => ({ title: `${name}.${member.name}`, doc: member.doc }))
  )
  return [...entries, ...members].flatMap(({ title, doc }) => {
    const examples = doc?.examples ?? []
    return examples.map((example, index) => ({
      ...example,
      of: examples.length === 1 ? title : `${title} ${index + 1}`
    }))
  })
}

/** @throws Error when an operator is in no section, or in two, or a section names one that does not exist. */
function sectionsOf(entries: readonly ApiEntry[]): OperatorDocs['sections'] {
  const left = new Set(entries)
  const sections = OPERATOR_SECTIONS.map(section => ({
    section,
    entries: section.of.flatMap(name => {
      const found = entries.filter(entry => isNamed(entry, name))
      if (found.length === 0) throw new Error(`Section '${section.title}' names ${name}, which does not exist.`)
      for (const entry of found) {
        if (!left.delete(entry)) throw new Error(`${entry.title} is in two sections.`)
      }
      return found
    })
  }))
  if (left.size > 0) {
    throw new Error(`No section of docs/operators.md holds ${[...left].map(({ title }) => title).join(', ')}.`)
  }
  return sections
}

function isNamed({ owner, name, title }: ApiEntry, wanted: string): boolean {
  if (wanted.includes('(')) return title.startsWith(wanted)
  return wanted === (owner === undefined ? name : `${owner}.${name}`)
}

/** Its own members, and then the inherited ones that it does not declare anew. */
function allMembers(type: ApiType, byName: ReadonlyMap<string, ApiType>): ApiMember[] {
  const members = [...type.members]
  for (const { name, picked, omitted } of type.extends) {
    const base = byName.get(name)
    if (base === undefined) continue
    for (const member of allMembers(base, byName)) {
      if (picked?.includes(member.name) === false || omitted.includes(member.name)) continue
      const own = members.findIndex(candidate => candidate.name === member.name)
      if (own === -1) members.push(member)
      else members[own] = { ...(members[own] as ApiMember), doc: members[own]?.doc ?? member.doc }
    }
  }
  return members
}
