import { type ApiMember, type ApiType, readApi } from './read-api.ts'

/** Options of an application that belong together. */
export interface OptionGroup {
  readonly title: string
  readonly text: string
  /** Put before each name, where the group is an object of options: `producer.`. */
  readonly prefix: string
  readonly options: readonly ApiMember[]
}

const FILES = {
  streams: 'packages/streams/src/runtime/streams-config.ts',
  connection: 'packages/millrace/src/connection-options.ts',
  millrace: 'packages/millrace/src/millrace.ts'
}

/** What each option's docstring says, in the order of the page. */
export function readOptionGroups(root: string): readonly OptionGroup[] {
  const { types } = readApi(root, Object.values(FILES))
  const membersOf = (name: string): readonly ApiMember[] => {
    const found = types.find((type: ApiType) => type.name === name)
    if (found === undefined) throw new Error(`There is no interface ${name} to read options from.`)
    return found.members
  }
  return [
    {
      title: 'Application',
      text: '',
      prefix: '',
      options: [...membersOf('StreamsConfig'), ...membersOf('MillraceOptions')]
    },
    {
      title: 'Connection',
      text: 'Also taken by `kafkaClient({ … })`, which connects without an application; there `metadataMaxAgeMs` is 300,000 by default.',
      prefix: '',
      options: membersOf('ConnectionOptions')
    },
    {
      title: 'kafka',
      text: 'Options of [kafkajs](https://kafka.js.org), with its names and units.',
      prefix: 'kafka.',
      options: membersOf('KafkaConnectionOptions')
    },
    {
      title: 'consumer',
      text: 'How inputs, changelogs and topics of global tables are fetched.',
      prefix: 'consumer.',
      options: membersOf('ConsumerConfig')
    },
    {
      title: 'producer',
      text: 'How outputs and changelogs are written: always idempotently, and acknowledged by all replicas in sync.',
      prefix: 'producer.',
      options: membersOf('ProducerConfig')
    }
  ]
}

const HEAD = `# Configuration

<!-- Made by \`npm run docs\` from the docstrings of the options. -->

The options of \`new Millrace(topology, { … })\`. Names that end in \`Ms\` are milliseconds, in \`Bytes\` bytes; both are whole
numbers. All options are checked before anything is connected: one that does not exist is refused with the nearest name
(\`CONFIG_UNKNOWN_OPTION\`), a value out of range, or one that contradicts another, with what may be (\`CONFIG_INVALID\`). What the
options of Kafka Streams became is in [Coming from Kafka Streams](coming-from-kafka-streams.md#configuration).
`

/** docs/configuration.md */
export function configurationPage(groups: readonly OptionGroup[]): string {
  return `${HEAD}${groups.map(section).join('')}`
}

function section({ title, text, prefix, options }: OptionGroup): string {
  const heading = prefix === '' ? title : `\`${title}\``
  const rows = options.map(option => row(prefix, option)).join('\n')
  const about = text === '' ? '' : `${text}\n\n`
  return `\n## ${heading}\n\n${about}| Option | Range | Default | In Kafka | |\n|---|---|---|---|---|\n${rows}\n`
}

function row(prefix: string, { name, doc, type, isOptional }: ApiMember): string {
  if (doc === undefined) throw new Error(`The option ${prefix}${name} has no docstring.`)
  const otherwise = doc.defaultValue ?? (isOptional ? '' : 'required')
  const kafka = doc.kafka.join(', ')
  return `| \`${prefix}${name}\` | ${cell(doc.range ?? values(type))} | ${cell(otherwise)} | ${cell(kafka)} | ${cell(doc.text)} |`
}

/** The texts that an option may be; of anything else the description tells. */
function values(type: string): string {
  const texts = [...type.matchAll(/'([\w-]+)'/g)].map(match => `\`${match[1]}\``)
  return type.replace(/'[\w-]+'|[|\s]/g, '') === '' ? texts.join(', ') : ''
}

function cell(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')
}
