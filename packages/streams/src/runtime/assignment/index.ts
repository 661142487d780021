export { createTaskAssignor } from './task-assignor.ts'
