/** What an application may take beside `stateMemoryBytes` and mapped files, with up to 24 tasks: the bar of `npm run bench -- tasks`. */
export const TASKS_CONSTANT_BYTES = 400e6
