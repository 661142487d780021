export { createFetcher, type FetcherParts } from './fetcher.ts'
