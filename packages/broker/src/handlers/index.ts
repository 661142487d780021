import { apiVersions } from './api-versions.ts'
import type { Handler } from './handler.ts'

/** Every request kind that is served, in the order of its key; ApiVersions tells clients of exactly these. */
export const HANDLERS: readonly Handler[] = [apiVersions]
