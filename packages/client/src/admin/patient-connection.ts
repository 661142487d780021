import { type AdminDependencies, AdminSession } from './admin-session.ts'

/** Connects. What may pass is tried again for `timeoutMs`, with the waits of every other call. */
export async function connectPatiently(dependencies: AdminDependencies, timeoutMs: number): Promise<void> {
  const session = new AdminSession(dependencies)
  await session.retry(
    'connecting',
    async () => {
      await session.cluster.refresh([])
      return { done: true, value: undefined }
    },
    timeoutMs
  )
}
