/** What an application takes beside `stateMemoryBytes`, with up to 24 tasks; docs/performance.md tells of what. */
export const TASKS_CONSTANT_BYTES = 250e6
