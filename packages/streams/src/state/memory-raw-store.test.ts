import { rawStoreContract } from '@millrace/testing/contracts'
import { MemoryRawStore } from './memory-raw-store.ts'

rawStoreContract({ name: 'memory', open: async () => new MemoryRawStore(), skip: [] })
