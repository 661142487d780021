import { type Serde, StreamsError } from '../core/index.ts'

/**
 * The serde that was given (see `checkNodeOptions`), or else the one known from upstream.
 *
 * @param node - the node that needs it.
 * @param where - the call to which it can be given, for example `to()`.
 * @throws StreamsError `TOPOLOGY_SERDE_MISSING`
 */
export function resolveSerde<T>(
  role: 'key' | 'value',
  given: unknown,
  upstream: Serde<T> | undefined,
  node: string,
  where: string
): Serde<T> {
  const serde = given === undefined ? upstream : given
  if (serde !== undefined) return serde as Serde<T>
  throw new StreamsError(
    'TOPOLOGY_SERDE_MISSING',
    `Node '${node}' needs a serde for the ${role}: none was given, and none is known from above, where an operator may ` +
      `have changed the type. Pass one to ${where}, for example { ${role}: json() }.`,
    { details: { node, role, where } }
  )
}
