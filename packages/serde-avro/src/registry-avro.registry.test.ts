import { describe } from 'vitest'
import { registrySuite } from './test-support/registry-suite.ts'

const url = process.env.REGISTRY_URL
if (url === undefined)
  throw new Error('REGISTRY_URL is not set. `npm run test:registry` sets it, or starts a registry.')

describe('with a real registry', () => {
  registrySuite(async () => ({ url, close: async () => {} }))
})
