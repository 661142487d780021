import type {
  KeyValueStore,
  Processor,
  ProcessorContext,
  SessionStore,
  StreamRecord,
  TimestampedKeyValueStore,
  VersionedKeyValueStore,
  WindowStore
} from '@millrace/streams/core'
import type { CaseProcessor, Json } from './case-format.ts'
import { field } from './case-functions.ts'
import { Unsupported } from './unsupported.ts'

type Context = ProcessorContext<unknown, unknown>
type Record = StreamRecord<unknown, unknown>
type Step = (record: Record, forward: (value: Json, timestampMs: number, headers?: Record['headers']) => void) => void

/** The processors of the case format. */
export function caseProcessor(spec: CaseProcessor): Processor<unknown, unknown, unknown, unknown> {
  switch (spec.type) {
    case 'batch':
      return new Batch(spec)
    case 'ticker':
      return new Ticker(spec)
    case 'route':
      return new Route(spec)
    default:
      return new Stepping(spec)
  }
}

function step(spec: CaseProcessor, context: Context): Step {
  const { store = '', lookbackMs = 0, gapMs = 0, lagMs = 0, deltaMs = 0, copies = 0, spacingMs = 0, header } = spec
  const name = spec.field ?? 'n'
  switch (spec.type) {
    case 'dedupe': {
      const seen = context.getStateStore<KeyValueStore<unknown, Json>>(store)
      return ({ key, value, timestampMs }, forward) => {
        if (key === null || seen.get(key) === undefined) forward(value as Json, timestampMs)
        if (key !== null) seen.put(key, true)
      }
    }
    case 'runningTotal': {
      const totals = context.getStateStore<KeyValueStore<unknown, Json>>(store)
      return keyed(({ key, value, timestampMs }, forward) => {
        const total = integer(totals.get(key)) + integer(field(value, name))
        totals.put(key, total)
        forward({ total }, timestampMs)
      })
    }
    case 'latest': {
      const latest = context.getStateStore<TimestampedKeyValueStore<unknown, unknown>>(store)
      return keyed(({ key, value, timestampMs, headers }, forward) => {
        const old = latest.get(key)
        if (old !== undefined && timestampMs < old.timestampMs) return
        latest.put(key, value, timestampMs, headers)
        forward({ prev: (old?.value ?? null) as Json, prevTs: old?.timestampMs ?? -1 }, timestampMs)
      })
    }
    case 'windowCount': {
      const counts = context.getStateStore<WindowStore<unknown, Json>>(store)
      return keyed(({ key, timestampMs }, forward) => {
        counts.put(key, integer(counts.fetchOne(key, timestampMs)) + 1, timestampMs)
        const slots = counts.fetchRange(key, Math.max(0, timestampMs - lookbackMs), timestampMs)
        const total = slots.reduce((sum, slot) => sum + integer(slot.value), 0)
        forward({ total, slots: slots.length }, timestampMs)
      })
    }
    case 'sessionTotal': {
      const sessions = context.getStateStore<SessionStore<unknown, Json>>(store)
      return keyed(({ key, value, timestampMs }, forward) => {
        const found = sessions.findSessions(key, Math.max(0, timestampMs - gapMs), timestampMs + gapMs)
        const start = Math.min(timestampMs, ...found.map(session => session.startMs))
        const end = Math.max(timestampMs, ...found.map(session => session.endMs))
        const total = found.reduce((sum, session) => sum + integer(session.value), integer(field(value, name)))
        for (const session of found) sessions.remove(key, session.startMs, session.endMs)
        sessions.put(key, total, start, end)
        forward({ total, start, end, merged: found.length }, timestampMs)
      })
    }
    case 'asOf': {
      const versions = context.getStateStore<VersionedKeyValueStore<unknown, unknown>>(store)
      return keyed(({ key, value, timestampMs }, forward) => {
        versions.put(key, value, timestampMs)
        const found = versions.getAsOf(key, timestampMs - lagMs)
        forward(found === undefined ? null : { value: found.value as Json, ts: found.timestampMs }, timestampMs)
      })
    }
    case 'shift': {
      const added = header === undefined ? [] : [[header[0], Buffer.from(header[1])] as const]
      return ({ value, timestampMs, headers }, forward) =>
        forward(value as Json, timestampMs + deltaMs, [...headers, ...added])
    }
    case 'multiply':
      return ({ timestampMs }, forward) => {
        for (let i = 0; i < copies; i++) forward({ i }, timestampMs + i * spacingMs)
      }
    case 'clock':
      return ({ timestampMs }, forward) => {
        const metadata = context.recordMetadata()
        const times = { ts: timestampMs, streamTime: context.streamTimeMs(), wallClock: context.systemTimeMs() }
        // Of what a punctuation forwards, Kafka Streams' test driver has metadata without a topic.
        forward({ ...times, topic: metadata?.topic ?? null, offset: metadata?.offset ?? -1 }, timestampMs)
      }
    default:
      throw new Unsupported(`the processor ${JSON.stringify(spec)}`)
  }
}

function keyed(next: Step): Step {
  return (record, forward) => {
    if (record.key !== null) next(record, forward)
  }
}

function integer(value: unknown): number {
  return Number.isInteger(value) ? (value as number) : 0
}

class Stepping implements Processor<unknown, unknown, unknown, unknown> {
  readonly #spec: CaseProcessor
  #context!: Context
  #step!: Step

  constructor(spec: CaseProcessor) {
    this.#spec = spec
  }

  init(context: Context): void {
    this.#context = context
    this.#step = step(this.#spec, context)
  }

  process(record: Record): void {
    this.#step(record, (value, timestampMs, headers = record.headers) =>
      this.#context.forward({ key: record.key, value, timestampMs, headers })
    )
  }
}

function schedule(spec: CaseProcessor, context: Context, punctuator: (timestampMs: number) => void | Promise<void>) {
  const type = spec.punctuation === 'wallClock' ? 'wall-clock' : 'stream-time'
  return context.schedule(spec.intervalMs ?? 0, type, punctuator)
}

/** Counts records per key; each punctuation forwards the counts in the order of the keys. */
class Batch implements Processor<unknown, unknown, unknown, unknown> {
  readonly #spec: CaseProcessor
  #store!: KeyValueStore<unknown, Json>

  constructor(spec: CaseProcessor) {
    this.#spec = spec
  }

  init(context: Context): void {
    this.#store = context.getStateStore(this.#spec.store ?? '')
    schedule(this.#spec, context, async timestampMs => {
      for await (const { key, value } of this.#store.all()) {
        context.forward({ key, value, timestampMs, headers: [] })
        if (this.#spec.clear) this.#store.put(key, null)
      }
    })
  }

  process({ key }: Record): void {
    if (key !== null) this.#store.put(key, integer(this.#store.get(key)) + 1)
  }
}

/** Passes records on, and forwards a tick at each punctuation until its limit. */
class Ticker implements Processor<unknown, unknown, unknown, unknown> {
  readonly #spec: CaseProcessor
  #context!: Context
  #ticks = 0

  constructor(spec: CaseProcessor) {
    this.#spec = spec
  }

  init(context: Context): void {
    this.#context = context
    const scheduled = schedule(this.#spec, context, timestampMs => {
      const value = { n: ++this.#ticks, at: timestampMs }
      context.forward({ key: 'tick', value, timestampMs, headers: [] })
      if (this.#ticks >= (this.#spec.limit ?? Number.POSITIVE_INFINITY)) scheduled.cancel()
    })
  }

  process(record: Record): void {
    this.#context.forward(record)
  }
}

/** Forwards to the child that a field names, or to all. */
class Route implements Processor<unknown, unknown, unknown, unknown> {
  readonly #spec: CaseProcessor
  #context!: Context

  constructor(spec: CaseProcessor) {
    this.#spec = spec
  }

  init(context: Context): void {
    this.#context = context
  }

  process(record: Record): void {
    const child = field(record.value, this.#spec.field ?? '')
    if (child === null) this.#context.forward(record)
    else this.#context.forward(record, String(child))
  }
}
