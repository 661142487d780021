import type { LogConfig } from '../log/log-config.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { logConfigOf, TOPIC_SETTINGS } from './topic-settings.ts'

/** A topic with its partitions, all of which this broker leads. */
export class Topic {
  readonly name: string
  readonly id: string
  /** By index. Grows only. */
  readonly partitions: PartitionLog[] = []
  #settings: ReadonlyMap<string, string>
  readonly #defaults: Readonly<Record<string, string>>
  #logConfig: LogConfig

  constructor(
    name: string,
    id: string,
    settings: ReadonlyMap<string, string>,
    defaults: Readonly<Record<string, string>>
  ) {
    this.name = name
    this.id = id
    this.#settings = settings
    this.#defaults = defaults
    this.#logConfig = logConfigOf(setting => this.settingOf(setting))
  }

  /** Settings of its own; the others are the broker's. */
  get settings(): ReadonlyMap<string, string> {
    return this.#settings
  }

  set settings(settings: ReadonlyMap<string, string>) {
    this.#settings = settings
    this.#logConfig = logConfigOf(setting => this.settingOf(setting))
  }

  get logConfig(): LogConfig {
    return this.#logConfig
  }

  /** The effective value of one of `TOPIC_SETTINGS`. */
  settingOf(name: string): string {
    return this.#settings.get(name) ?? this.#defaults[name] ?? TOPIC_SETTINGS.get(name)?.defaultValue ?? ''
  }
}
