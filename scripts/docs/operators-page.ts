import type { DocComment, DocExample } from './doc-comment.ts'
import { buildsTopology, importsOf, usesBuilder } from './example-code.ts'
import type { OperatorDocs } from './operator-docs.ts'
import type { ApiEntry, ApiMember, ApiType } from './read-api.ts'

/** docs/operators.md. */
export function operatorsPage(docs: OperatorDocs): string {
  const { sections, options } = docs
  const known = new Set(options.map(({ name }) => name))
  return `${[
    INTRO,
    contents(docs),
    ...sections.map(({ section, entries }) =>
      [`## ${section.title}`, section.intro, ...entries.map(entry => entryText(entry, docs, known))].filter(isText)
    ),
    '## Options',
    'A name that is not listed is an error (`CONFIG_UNKNOWN_OPTION`), with the nearest one that is.',
    ...options.map(type => optionsText(type, docs)),
    `## ${KAFKA_NAMES}`,
    'Where a method of Kafka Streams has another name here; the others have the same. What there is not, or otherwise, is told in ' +
      '[Differences](differences.md).',
    kafkaNames(docs)
  ]
    .flat()
    .join('\n\n')}\n`
}

const KAFKA_NAMES = 'Kafka Streams names'

const INTRO = `<!-- Made by \`npm run docs\` from the docstrings of the sources: change those. -->

# Operators

Every method of the DSL and of the Processor API, with an example that the tests run. Those who know Kafka Streams find the
method that each equals under it, the other way round [a table at the end](#kafka-streams-names), and everything else in
[Coming from Kafka Streams](coming-from-kafka-streams.md).

Under an example stands what is sent to it and what it writes, in [the notation of the test driver](testing.md#records-as-text):
\`clicks alice:3@5s^trace=7\` is a record of the topic \`clicks\` with the key \`alice\`, the value \`3\`, the timestamp 5 s after the epoch
and a header, and \`alice[0,5m)\` the key of a window. \`log\` is what the example prints, and \`--idle 1m\` turns the clock. Time-outs,
caches and partitions do not show here: the examples run on one partition, without a record cache.

Where a function is given to an operator, it is synchronous, and is called with a null for a key or value that is missing, unless it
says otherwise. A \`Duration\` is a number of milliseconds, or text with a unit: \`'250ms'\`, \`'10s'\`, \`'5m'\`, \`'1h'\`, \`'7d'\`. Errors are
\`StreamsError\`, with the codes of [Errors](errors.md); those of a topology come from \`build()\` or before, never at run time.`

function contents({ sections }: OperatorDocs): string {
  const titles = sections.flatMap(({ entries }) => entries.map(({ title }) => title))
  const lines = sections.map(({ section, entries }) => {
    const links = entries.map(({ title }) => `[\`${shortTitle(title, titles)}\`](#${anchor(title)})`)
    return `- [${section.title}](#${anchor(section.title)}): ${links.join(', ')}`
  })
  return [
    '## Contents',
    [...lines, '- [Options](#options)', `- [${KAFKA_NAMES}](#${anchor(KAFKA_NAMES)})`].join('\n')
  ].join('\n\n')
}

/** From the names in the docstrings; `#after` belongs to the class that was named before it. */
function kafkaNames({ sections }: OperatorDocs): string {
  const rows = sections
    .flatMap(({ entries }) => entries)
    .flatMap(({ title, doc }) => {
      let owner = ''
      return (doc?.kafka ?? [])
        .flatMap(text => [...text.matchAll(/`([A-Z#][^`]*)`/g)].map(match => match[1] as string))
        .map(name => {
          if (!name.startsWith('#')) owner = name.split('#')[0] as string
          return { name: name.startsWith('#') ? owner + name : name, title }
        })
        .filter(({ name }) => name.replace('#', '.').replace(/\(.*/, '') !== title.replace(/\(.*/, ''))
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ name, title }) => `| \`${name}\` | [\`${title}\`](#${anchor(title)}) |`)
  return ['| Kafka Streams | Millrace |', '|---|---|', ...rows].join('\n')
}

/** Without what has to be given, unless that tells overloads apart. */
function shortTitle(title: string, titles: readonly string[]): string {
  const name = (text: string): string => text.replace(/\(.*\)$/, '')
  return titles.filter(other => name(other) === name(title)).length === 1 ? name(title) : title
}

/** As GitHub makes them of headings. */
export function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function entryText(entry: ApiEntry, docs: OperatorDocs, knownOptions: ReadonlySet<string>): string {
  const { title, signatures, doc } = entry
  if (doc === undefined) throw new Error(`${title} has no docstring.`)
  const options = [...signatures.join(' ').matchAll(/\b\w+Options\b/g)].map(match => match[0])
  const optionLinks = [...new Set(options)]
    .filter(name => knownOptions.has(name))
    .map(name => `[${name}](#${anchor(name)})`)
  return [
    `### \`${title}\``,
    ['```ts', ...signatures, '```'].join('\n'),
    doc.text,
    parameters(doc),
    facts(doc, optionLinks),
    ...doc.examples.map(example => exampleText(example, docs))
  ]
    .filter(isText)
    .join('\n\n')
}

function parameters({ params, returns }: DocComment): string {
  const lines = params.map(({ name, text }) => `- \`${name}\`: ${oneLine(text)}`)
  if (returns !== undefined) lines.push(`- Returns ${oneLine(returns)}`)
  return lines.join('\n')
}

function facts({ throws, kafka }: DocComment, options: readonly string[]): string {
  const lines = []
  if (options.length > 0) lines.push(`Options: ${options.join(', ')}`)
  if (throws.length > 0) lines.push(`Errors: ${throws.map(text => oneLine(text).replace(/\.$/, '')).join('; ')}`)
  if (kafka.length > 0) lines.push(`Kafka Streams: ${kafka.map(text => oneLine(text)).join('; ')}`)
  return lines.join('  \n')
}

function exampleText(example: DocExample, { exported }: OperatorDocs): string {
  const { text, code, steps } = example
  const imports = importsOf(example, exported)
  const line = `import { ${imports.join(', ')} } from 'millrace'`
  const lines = [
    line.length <= 100 ? line : `import {\n  ${imports.join(',\n  ')}\n} from 'millrace'`,
    '',
    ...(usesBuilder(code) ? ['const builder = new StreamsBuilder()'] : []),
    code,
    ...(buildsTopology(code) ? [] : ['const topology = builder.build()'])
  ]
  return [text, ['```ts', ...lines, '```'].join('\n'), stepTable(steps)].filter(isText).join('\n\n')
}

function stepTable(steps: readonly string[]): string {
  if (steps.length === 0) return ''
  const rows = steps.map(step => {
    const [input = '', output = ''] = step.split('→').map(part => part.trim())
    const outputs = output === '' ? '' : output.split(' | ').map(cell).join('<br>')
    return `| ${cell(input)} | ${outputs} |`
  })
  return ['| Input | Output |', '|---|---|', ...rows].join('\n')
}

function cell(text: string): string {
  return text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``
}

function optionsText({ name, doc, members }: ApiType, docs: OperatorDocs): string {
  const rows = members.map(member => `| \`${member.name}${member.isOptional ? '?' : ''}\` | ${optionText(member)} |`)
  const examples = members.filter(({ owner }) => owner === name).flatMap(member => member.doc?.examples ?? [])
  return [
    `### ${name}`,
    doc?.text ?? '',
    ['| Option | |', '|---|---|', ...rows].join('\n'),
    ...examples.map(example => exampleText(example, docs))
  ]
    .filter(isText)
    .join('\n\n')
}

function optionText({ type, doc }: ApiMember): string {
  const text = doc === undefined ? '' : `<br>${oneLine(doc.text)}`
  return `\`${type.replaceAll('|', '\\|')}\`${text}`
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim()
}

function isText(text: string): boolean {
  return text !== ''
}
