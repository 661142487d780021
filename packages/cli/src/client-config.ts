import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { KafkajsTransportOptions } from '@millrace/transport-kafkajs'
import type { KafkaAccess } from './txn-command-line.ts'
import { UsageError } from './usage-error.ts'

/**
 * Where Kafka is, and how it is reached: what a file says, with brokers named on the command line, by the file, or by
 * `KAFKA_BROKERS`, in this order.
 *
 * @throws UsageError
 */
export async function clientConfig(
  { brokers, clientConfig: file }: KafkaAccess,
  env: NodeJS.ProcessEnv
): Promise<KafkajsTransportOptions> {
  const options = file === undefined ? {} : await readConfig(file)
  const found = brokers ?? options.brokers ?? env.KAFKA_BROKERS?.split(',')
  if (found === undefined) {
    throw new UsageError(
      'Where is Kafka? Name brokers with --brokers host:port,…, in the file given as --client-config, or in KAFKA_BROKERS.'
    )
  }
  return { ...options, brokers: typeof found === 'function' ? found : [...found] }
}

/** A module's default export, or JSON: what an application gives as `kafka`. */
async function readConfig(file: string): Promise<Partial<KafkajsTransportOptions>> {
  let found: unknown
  try {
    found = file.endsWith('.json')
      ? JSON.parse(readFileSync(file, 'utf8'))
      : ((await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown }).default
  } catch (error) {
    // The message alone: what stands around it may be a secret.
    throw new UsageError(
      `--client-config ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`
    )
  }
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found
  throw new UsageError(
    `--client-config ${file} has to be a JSON object, or a module whose default export is one: what an application gives as \`kafka\`, such as { "ssl": true, "sasl": { … } }.`
  )
}
