import { isStreamsError, type Serde, type Topology } from 'millrace'
import { type TestOutputTopic, TopologyTestDriver } from '@millrace/testing'

/** An example of docs/operators.md. */
export interface OperatorExample {
  readonly of: string
  build(console: { log(text: string): void }): Topology
  /** What is done, an arrow, and what comes of it. */
  readonly steps: readonly string[]
}

const APPLICATION = 'app'
const INTERNAL = new RegExp(`^${APPLICATION}-.*-(changelog|repartition|topic)$`)

/** Takes the steps of an example, and gives them with what they really lead to. */
export async function runExample({ build, steps }: OperatorExample): Promise<string[]> {
  const logged: string[] = []
  const takeLogged = (): string[] => logged.splice(0).map(text => `log ${text}`)
  const done: string[] = []
  const inputs = steps.map(step => step.split('→')[0]?.trim() ?? '')

  let topology: Topology
  try {
    topology = build({ log: text => logged.push(String(text)) })
  } catch (error) {
    return [`build → error ${codeOf(error)}`]
  }
  const built = takeLogged()
  if (built.length > 0) done.push(`build → ${built.join(' | ')}`)

  await using driver = await TopologyTestDriver.open(topology, { applicationId: APPLICATION })
  const outputs = new Outputs(driver, topology)
  for (const input of inputs.filter(text => text !== 'build')) {
    try {
      await take(driver, topology, input)
      done.push([`${input} →`, [...takeLogged(), ...outputs.next()].join(' | ')].join(' ').trim())
    } catch (error) {
      done.push(`${input} → error ${codeOf(error)}`)
      break
    }
  }
  return done
}

/** `<topic> <records>`, or `--idle <span>`, as the test driver takes them. */
async function take(driver: TopologyTestDriver, topology: Topology, input: string): Promise<void> {
  const [, topic = '', records = ''] = /^(\S+) (.*)$/.exec(input) ?? []
  const isIdle = topic === '--idle'
  const reads = isIdle ? anyInput(topology) : topic
  driver.inputTopic(reads, serdesOf(topology, 'source', reads)).pipe(isIdle ? input : records)
  await driver.settle()
}

function anyInput(topology: Topology): string {
  const topics = topology.subTopologies
    .flatMap(sub => sub.nodes)
    .flatMap(node => (node.kind === 'source' && !(node.topics instanceof RegExp) ? node.topics : []))
  return topics[0] ?? ''
}

/** What was written to the topics of users since it was last asked. */
class Outputs {
  readonly #driver: TopologyTestDriver
  readonly #topology: Topology
  readonly #topics = new Map<string, TestOutputTopic<unknown, unknown>>()

  constructor(driver: TopologyTestDriver, topology: Topology) {
    this.#driver = driver
    this.#topology = topology
  }

  next(): string[] {
    for (const topic of this.#driver.producedTopics()) {
      if (this.#topics.has(topic) || INTERNAL.test(topic)) continue
      this.#topics.set(topic, this.#driver.outputTopic(topic, serdesOf(this.#topology, 'sink', topic)))
    }
    return [...this.#topics].flatMap(([name, topic]) => (topic.size === 0 ? [] : [`${name} ${topic.readText()}`]))
  }
}

/** Those of the node that reads or writes the topic. */
function serdesOf(topology: Topology, kind: 'source' | 'sink', topic: string): { key: Serde<any>; value: Serde<any> } {
  const nodes = [...topology.subTopologies, ...topology.globalSubTopologies].flatMap(sub => sub.nodes)
  const node =
    kind === 'source'
      ? nodes.find(
          candidate =>
            candidate.kind === 'source' &&
            (candidate.topics instanceof RegExp ? candidate.topics.test(topic) : candidate.topics.includes(topic))
        )
      : (nodes.find(candidate => candidate.kind === 'sink' && candidate.topic === topic) ??
        nodes.find(candidate => candidate.kind === 'sink' && typeof candidate.topic === 'function'))
  if (node === undefined || node.kind === 'processor') throw new Error(`The example has no ${kind} for '${topic}'.`)
  return node
}

function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!isStreamsError(cause) || cause.code === 'RECORD_PROCESS_FAILED') continue
    if (cause.code !== 'TEST_NOTATION_INVALID') return cause.code
  }
  throw error
}
