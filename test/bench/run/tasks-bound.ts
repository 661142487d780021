/** What an application may take beside `stateMemoryBytes`, with up to 24 tasks: the bar of `npm run bench -- tasks`. */
export const TASKS_CONSTANT_BYTES = 250e6
