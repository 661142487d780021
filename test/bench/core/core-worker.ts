// Our side of the benchmark, as CoreBench.java is the other: a line for each run, `topology store fill chunk file`.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { decodeRecords } from './core-records.ts'
import type { CoreTopologyName } from './core-scenarios.ts'
import { type CoreStore, runCore } from './run-core.ts'

for await (const line of createInterface({ input: process.stdin })) {
  const [topology, store, fill, chunk, ...file] = line.split(' ')
  const run = {
    topology: topology as CoreTopologyName,
    store: store as CoreStore,
    fill: Number(fill),
    chunk: Number(chunk)
  }
  const result = await runCore(run, decodeRecords(readFileSync(file.join(' '))))
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
