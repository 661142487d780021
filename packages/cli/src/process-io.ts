import { setTimeout as delay } from 'node:timers/promises'
import type { CliIo } from './main.ts'

/** The real process. */
export function processIo(): CliIo {
  return {
    env: process.env,
    writeOut: text => void process.stdout.write(text),
    writeError: text => void process.stderr.write(text),
    onSignal: (signal, listener) => void process.on(signal, listener),
    offSignal: (signal, listener) => void process.off(signal, listener),
    monotonicMs: () => performance.now(),
    wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined)
  }
}
