export { MemoryRegistry, type MemoryRegistryOptions } from './memory-registry.ts'
export type { Compatibility } from './schema-compatibility.ts'
