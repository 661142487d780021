export type { TaskInputs } from './group-state.ts'
export { createTaskAssignor, type TaskAssignorOptions } from './task-assignor.ts'
export { decodeTaskData, type TaskData } from './task-data.ts'
