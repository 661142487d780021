import { described, StreamsError } from '../core/index.ts'

/** For a second input that is no stream or table, or of the wrong kind. */
export function wrongFacade(where: string, wanted: string, given: unknown): StreamsError {
  return new StreamsError('TOPOLOGY_INVALID', `${where} takes ${wanted}, not ${described(given)}.`, {
    details: { where }
  })
}
