import { describe } from 'vitest'
import { MemoryRegistry } from './dev/index.ts'
import { registrySuite } from './test-support/registry-suite.ts'

describe('with a registry in this process', () => {
  registrySuite(() => MemoryRegistry.start())
})
