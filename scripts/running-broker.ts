export interface BrokerOptions {
  /** 0, the default, takes a free port. */
  readonly port?: number
  /** Where the broker keeps its data. Default: a temporary folder that goes when the broker stops. */
  readonly dir?: string
}

export interface StopOptions {
  /** Remove the data. Default: only where the folder is a temporary one. */
  readonly wipe?: boolean
}

/** A broker in a process of its own. It dies with the process that started it, however that ends. */
export interface RunningBroker {
  /** `host:port`, as `KAFKA_BROKERS` takes it. */
  readonly brokers: string
  readonly port: number
  readonly dir: string
  readonly pid: number
  /** Stops the broker (`SIGTERM`, or the given signal) and starts it again on the same port with the same data. */
  restart(signal?: NodeJS.Signals): Promise<void>
  stop(options?: StopOptions): Promise<void>
}
