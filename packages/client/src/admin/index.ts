import type { KafkaAdmin } from '@millrace/streams/ports'
import type { AdminDependencies } from './admin-session.ts'
import { ClusterAdmin } from './kafka-admin.ts'

export type { AdminDependencies } from './admin-session.ts'
export { connectPatiently } from './patient-connection.ts'

/** Administration over a cluster. It holds nothing of its own: there is nothing to close. */
export function createAdmin(dependencies: AdminDependencies): KafkaAdmin {
  return new ClusterAdmin(dependencies)
}
