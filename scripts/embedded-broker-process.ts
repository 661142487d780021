// The process that `startEmbeddedBroker` starts. Tells its parent when it listens, and ends with it.
import { rmSync } from 'node:fs'
import { EmbeddedBroker } from '@millrace/broker'
import { StreamsError } from '@millrace/streams/core'

export interface BrokerProcessOptions {
  readonly port: number
  readonly dir: string
  /** Whether the folder goes when the parent is gone without having stopped the broker. */
  readonly temporary: boolean
}

export type BrokerProcessAnswer = { readonly listening: string } | { readonly error: string; readonly code?: string }

const { port, dir, temporary } = JSON.parse(process.argv[2] as string) as BrokerProcessOptions
try {
  // The settings of `kafka-settings.ts`.
  const broker = await EmbeddedBroker.start({
    port,
    data: dir,
    autoCreateTopics: false,
    topicDefaults: { 'retention.ms': '-1' }
  })
  const parentGone = (): void => {
    void broker.close().then(() => {
      if (temporary) rmSync(dir, { recursive: true, force: true })
    })
  }
  process.once('disconnect', parentGone)
  process.once('SIGTERM', () => {
    process.off('disconnect', parentGone) // nobody is gone: the data stays for the next start
    void broker.close().then(() => process.disconnect())
  })
  process.send?.({ listening: broker.bootstrap } satisfies BrokerProcessAnswer)
} catch (error) {
  const code = error instanceof StreamsError ? { code: error.code } : {}
  process.send?.({ error: String(error), ...code } satisfies BrokerProcessAnswer)
  process.exitCode = 1
  process.disconnect()
}
