export { type LevelOptions, LevelRawStore } from './level-raw-store.ts'
export { LevelStoreProvider, type LevelStoreProviderOptions } from './level-store-provider.ts'
