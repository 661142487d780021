export { MemoryRawStore } from './memory-raw-store.ts'
export { openTaskState, type TaskStateOptions } from './open-task-state.ts'
export type { ChangelogAppender, TaskState } from './task-state.ts'
