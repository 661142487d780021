import { type Serde, StreamsError } from '../core/index.ts'

/**
 * The serde that was given, or else the one known from upstream.
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
  if (isSerde(serde)) return serde as Serde<T>
  const why =
    given === undefined
      ? `an operator above may have changed the type of the ${role}`
      : `what was given is ${given === null ? 'null' : `a ${typeof given}`}`
  throw new StreamsError(
    'TOPOLOGY_SERDE_MISSING',
    `Node '${node}' needs a serde for the ${role}: ${why}. Pass one to ${where}, for example { ${role}: json() }.`,
    { details: { node, role, where } }
  )
}

function isSerde(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'serialize' in value &&
    typeof value.serialize === 'function' &&
    'deserialize' in value &&
    typeof value.deserialize === 'function'
  )
}
