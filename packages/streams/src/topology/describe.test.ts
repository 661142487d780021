import { expect, test } from 'vitest'
import { string } from '../core/index.ts'
import { javaHashOrder } from './java-hash-order.ts'
import { TopologyBuilder } from './topology-builder.ts'

const SERDES = { key: string(), value: string() }

// Texts of whole topologies are compared with Kafka Streams' by the conformance cases.

test('prints a pattern as it was written, without the slashes', () => {
  const topology = new TopologyBuilder().addSource('a', { topics: /in-.*/, ...SERDES }).build()
  expect(topology.describe()).toBe('Topologies:\n   Sub-topology: 0\n    Source: a (topics: in-.*)\n      --> none\n\n')
})

test('orders names as a Java hash set does', () => {
  // Printed by Java 17: a HashSet of node-0, node-7, … node-273, filled one by one.
  const observed =
    '70 91 14 35 56 77 98 119 238 217 259 133 210 112 175 252 154 231 196 273 84 0 7 21 42 63 126 203 105 28 168 245 49 147 224 189 266 140 182 161'
  const names = Array.from({ length: 40 }, (_, i) => `node-${i * 7}`)
  expect(javaHashOrder(names)).toEqual(observed.split(' ').map(number => `node-${number}`))
})
