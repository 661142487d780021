import { StreamsError } from '../core/index.ts'

/**
 * Generates the names of nodes and stores as Kafka Streams does: one counter for all, ten digits. A named operator uses up
 * its numbers all the same, so that naming one does not rename the others.
 *
 * @see Kafka Streams `InternalStreamsBuilder#newProcessorName`, `NamedInternal`
 */
export class NodeNames {
  #next = 0
  /** What users named as if it was generated: to keep the state that is under such a name. */
  readonly #given = new Set<string>()

  /** `KSTREAM-MAP-` gives `KSTREAM-MAP-0000000003`. */
  processor(prefix: string): string {
    return prefix + String(this.#next++).padStart(10, '0')
  }

  /** `KSTREAM-AGGREGATE-` gives `KSTREAM-AGGREGATE-STATE-STORE-0000000003`. */
  store(prefix: string): string {
    return this.processor(`${prefix}STATE-STORE-`)
  }

  /** Notes the name of a store, or what a repartition topic's name begins with, as one that a user gave. */
  give(name: string): string {
    if (GENERATED.test(name)) this.#given.add(name)
    return name
  }

  /** Whether this name of a store or a repartition topic contains a number of the counter, and was not given. */
  isGenerated(name: string): boolean {
    if (!GENERATED.test(name)) return false
    return ![...this.#given].some(given => name === given || name.startsWith(`${given}-`))
  }

  /** The given name, or else a generated one. Uses up a number either way. */
  orGenerate(name: string | undefined, prefix: string): string {
    const generated = this.processor(prefix)
    return name === undefined ? generated : legalName(name, 'node')
  }

  /** The given name with a suffix, or else a generated one. Uses up a number either way. */
  suffixedOrGenerate(name: string | undefined, suffix: string, prefix: string): string {
    const generated = this.processor(prefix)
    return name === undefined ? generated : legalName(legalName(name, 'node') + suffix, 'node')
  }
}

/** Topics of Kafka's own, to which brokers let nobody write. */
const OF_KAFKA: readonly string[] = ['__consumer_offsets', '__transaction_state', '__share_group_state']

/** @throws StreamsError `TOPOLOGY_INVALID` for a topic that nobody may write. */
export function legalOutputTopic(name: string): string {
  legalName(name, 'topic')
  if (!OF_KAFKA.includes(name)) return name
  throw new StreamsError(
    'TOPOLOGY_INVALID',
    `Topic '${name}' is Kafka's own, and brokers refuse records for it. Write to another topic.`,
    { details: { topic: name } }
  )
}

const GENERATED = /-\d{10}(-|$)/

const MAX_NAME_LENGTH = 249

/**
 * Checks a name that becomes part of a topic's: letters, digits, `.`, `_` and `-`, at most 249 of them.
 *
 * @param what - names its role in the error: `topic`, `store`, `node`.
 * @throws StreamsError `TOPOLOGY_INVALID`
 */
export function legalName(name: string, what: string): string {
  const isLegal =
    typeof name === 'string' &&
    name.length <= MAX_NAME_LENGTH &&
    /^[a-zA-Z0-9._-]+$/.test(name) &&
    name !== '.' &&
    name !== '..'
  if (!isLegal) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `'${String(name)}' cannot be the name of a ${what}. Use 1 to ${MAX_NAME_LENGTH} ASCII letters, digits, '.', '_' and '-'.`,
      { details: { name, what } }
    )
  }
  return name
}
