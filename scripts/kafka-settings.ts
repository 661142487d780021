export interface KafkaSettings {
  readonly port: number
  readonly controllerPort: number
  readonly dir: string
  /** Listeners besides `PLAINTEXT`. */
  readonly listeners?: readonly Listener[]
  /** Further properties, which win. */
  readonly properties?: Readonly<Record<string, string>>
}

export interface Listener {
  readonly name: string
  readonly protocol: SecurityProtocol
  readonly port: number
}

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

/** One node that is broker and controller, with internal topics small enough for a laptop. */
export function serverProperties({
  port,
  controllerPort,
  dir,
  listeners = [],
  properties = {}
}: KafkaSettings): string {
  const plain: Listener = { name: 'PLAINTEXT', protocol: 'PLAINTEXT', port }
  const advertised = [plain, ...listeners]
  const bound = [...advertised, { name: 'CONTROLLER', protocol: 'PLAINTEXT', port: controllerPort }]
  const addresses = (of: typeof bound): string => of.map(({ name, port }) => `${name}://127.0.0.1:${port}`).join(',')
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=${addresses(bound)}
advertised.listeners=${addresses(advertised)}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=${bound.map(({ name, protocol }) => `${name}:${protocol}`).join(',')}
log.dirs=${dir}/logs
num.partitions=1
# A topic that nobody created is a mistake, and shall look like one.
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
# The first member of a group need not wait for others.
group.initial.rebalance.delay.ms=0
# Data sets of tests and examples have fixed, hence old, event times: never expire anything by time.
log.retention.ms=-1
# The cleaner's default buffer would take a quarter of the heap.
log.cleaner.dedupe.buffer.size=16777216
${Object.entries(properties)
  .map(([name, value]) => `${name}=${value}\n`)
  .join('')}`
}

/** Warnings and errors, with their time. */
export const LOGGING_FLAGS = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS'
]
